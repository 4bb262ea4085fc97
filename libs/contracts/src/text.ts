/** At most `maxBytes` octets of UTF-8. A text that is cut ends with an ellipsis, never in the middle of a character. */
export const cutText = (text: string, maxBytes: number): string => {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const bytes = Buffer.from(text).subarray(0, maxBytes - Buffer.byteLength('…'));
  // A character that was cut decodes to U+FFFD at the end.
  return `${bytes.toString('utf8').replace(/\uFFFD$/, '')}…`;
};
