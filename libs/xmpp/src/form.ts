// XEP-0004 Data Forms, version 2.13.1
import type { Element } from './xml.ts';
import { ns } from './namespaces.ts';

/** A data form as received. `fields` holds every field with a `var` except FORM_TYPE; the last of equal names wins. */
export type Form = {
  readonly type: string | undefined;
  readonly formType: string | undefined;
  readonly fields: ReadonlyMap<string, readonly string[]>;
};

/** The first data form among the children of `parent`. Nothing is refused: the caller decides what it must hold. */
export const childForm = (parent: Element): Form | undefined => {
  const x = parent.getChild('x', ns.dataForms);
  return x && readForm(x);
};

/** The first data form of this FORM_TYPE (XEP-0068), or without any. A form of another type beside it does not matter. */
export const childFormOfType = (parent: Element, formType: string): Form | undefined => {
  for (const x of parent.getChildren('x', ns.dataForms)) {
    const form = readForm(x);
    if (form.formType === undefined || form.formType === formType) return form;
  }
  return undefined;
};

const readForm = (x: Element): Form => {
  const fields = new Map<string, readonly string[]>();
  for (const field of x.getChildren('field')) {
    const name = field.attrs['var'] as string | undefined;
    if (name !== undefined)
      fields.set(
        name,
        field.getChildren('value').map((value) => value.getText()),
      );
  }
  const formType = fields.get('FORM_TYPE');
  fields.delete('FORM_TYPE');
  return {
    type: x.attrs['type'] as string | undefined,
    formType: formType?.length === 1 ? formType[0] : undefined,
    fields,
  };
};
