import { Type } from 'typebox';
import type { Static } from 'typebox';
import { modes, pushServices } from './topology.ts';

// The MongoosePush HTTP API, `POST /{version}/notification/{device_id}`: v1 flat, v2 and v3 nested. Field names,
// optionality and types as MongoosePush 2.2 validates them (it casts strings such as "60" to the type below).

export const pushApiVersions = ['v1', 'v2', 'v3'] as const;
export type PushApiVersion = (typeof pushApiVersions)[number];

const closed = { additionalProperties: false } as const;
const Int32 = Type.Integer({ minimum: -2_147_483_648, maximum: 2_147_483_647, format: 'int32' });
const Service = Type.Enum([...pushServices]);
const ModeField = Type.Enum([...modes]);
const Data = Type.Record(Type.String(), Type.Unknown());

export const RequestV1 = Type.Object(
  {
    service: Service,
    body: Type.String(),
    title: Type.String(),
    badge: Type.Optional(Int32),
    click_action: Type.Optional(Type.String()),
    tag: Type.Optional(Type.String()),
    topic: Type.Optional(Type.String()),
    data: Type.Optional(Data),
    mode: Type.Optional(ModeField),
  },
  closed,
);
export type RequestV1 = Static<typeof RequestV1>;

export const Alert = Type.Object(
  {
    body: Type.String(),
    title: Type.String(),
    badge: Type.Optional(Int32),
    click_action: Type.Optional(Type.String()),
    tag: Type.Optional(Type.String()),
    sound: Type.Optional(Type.String()),
  },
  closed,
);
export type Alert = Static<typeof Alert>;

/** v2 and v3 have one request shape; at least one of `alert` and `data` must be there. */
export const RequestV3 = Type.Object(
  {
    service: Service,
    alert: Type.Optional(Alert),
    data: Type.Optional(Data),
    mode: Type.Optional(ModeField),
    priority: Type.Optional(Type.Enum(['normal', 'high'])),
    time_to_live: Type.Optional(Int32),
    mutable_content: Type.Optional(Type.Boolean()),
    tags: Type.Optional(Type.Array(Type.String())),
    topic: Type.Optional(Type.String()),
  },
  closed,
);
export type RequestV3 = Static<typeof RequestV3>;

/** The body of a response: `null` with 200; a refusal, by version; or, with 422, the places that do not fit. */
export const PushApiBody = Type.Union([
  Type.Null(),
  Type.Object({ reason: Type.String() }),
  Type.Object({ details: Type.String() }),
  Type.Object({
    errors: Type.Array(
      Type.Object({ message: Type.String(), source: Type.Object({ pointer: Type.String() }), title: Type.String() }),
    ),
  }),
]);

/**
 * One notification of `POST /v3/notifications`, a route of push-service that MongoosePush does not have. It takes an array of
 * them and answers each as if it had come alone.
 */
export const AddressedNotification = Type.Object(
  {
    device_id: Type.String(),
    /** W3C Trace Context. */
    traceparent: Type.Optional(Type.String()),
    notification: Type.Record(Type.String(), Type.Unknown()),
  },
  closed,
);
export type AddressedNotification = Static<typeof AddressedNotification>;

/** The most notifications of one request. */
export const notificationsPerRequest = 32;

/** The most bytes that push-service reads of a request body. */
export const maxRequestBytes = 262_144;

/** A header of push-service's answers to v3 pushes: how many notifications `POST /v3/notifications` takes at once. */
export const notificationsHeader = 'x-notifications';

/** `POST /v3/notifications` answers in lines of JSON, in the order in which the answers are known. */
export const linesOfJson = 'application/x-ndjson';

/** One of those lines: the answer that the notification at this place of the array would have got alone. */
export const NotificationAnswer = Type.Object({
  /** From 0. */
  place: Type.Integer({ minimum: 0 }),
  status: Type.Integer({ minimum: 200, maximum: 599 }),
  headers: Type.Optional(Type.Record(Type.String(), Type.String())),
  body: Type.Unknown(),
});
export type NotificationAnswer = Static<typeof NotificationAnswer>;

/** A header of push-service's answers: since when the token has been dead, in milliseconds (the `timestamp` of APNs' 410). */
export const unregisteredAtHeader = 'x-unregistered-at';
