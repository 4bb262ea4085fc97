import { bareJid, readDisable, readEnable } from '@pushmesh/xmpp';
import { areTooLarge, isTooLong } from './request.ts';
import type { Iq, IqRequest } from './request.ts';
import { stanzaErrors } from './stanza-errors.ts';

/** Reads `<enable/>` and `<disable/>` that are sent to the component itself (XEP-0357 §5 and §6). */
export const readPushRequest = ({ type, payload, sender }: Iq): IqRequest => {
  const { name } = payload;
  const kind = name === 'enable' || name === 'disable' ? name : 'unknown';
  if (type === 'get') return { kind, error: stanzaErrors.notAllowed };
  const user = bareJid(sender);
  if (isTooLong((payload.attrs['node'] as string | undefined) ?? ''))
    return { kind, error: stanzaErrors.badRequest('node: at most 1023 octets') };
  if (name === 'enable') {
    const enable = readEnable(payload);
    if ('malformed' in enable) return { kind, error: stanzaErrors.badRequest(enable.malformed) };
    if (areTooLarge(enable.options)) return { kind, error: stanzaErrors.optionsTooLarge };
    return { kind, request: { type: 'enable', user, ...enable } };
  }
  if (name === 'disable') {
    const disable = readDisable(payload);
    return 'malformed' in disable
      ? { kind, error: stanzaErrors.badRequest(disable.malformed) }
      : { kind, request: { type: 'disable', user, ...disable } };
  }
  return { kind, error: stanzaErrors.badRequest('push: enable or disable expected') };
};
