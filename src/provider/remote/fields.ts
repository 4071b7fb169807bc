/**
 * How many fields a protobuf message has at its top, without decoding it: an empty entry takes two bytes on the wire and a
 * hundred times that in memory. Undefined for what is no protobuf.
 */
export function countFields(message: Uint8Array): number | undefined {
  let count = 0;
  for (let at: number | undefined = 0; at !== message.length; count++) {
    at = afterField(message, at);
    if (at === undefined || at > message.length) return undefined;
  }
  return count;
}

function afterField(message: Uint8Array, at: number): number | undefined {
  const tag = varint(message, at);
  if (tag === undefined) return undefined;
  switch (tag.value & 7) {
    case 0:
      return varint(message, tag.end)?.end;
    case 1:
      return tag.end + 8;
    case 2: {
      const length = varint(message, tag.end);
      return length && length.end + length.value;
    }
    case 5:
      return tag.end + 4;
    default:
      return undefined;
  }
}

/** Of at most ten bytes; exact as far as lengths go. */
function varint(message: Uint8Array, at: number): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  for (let index = 0; index < 10; index++) {
    const byte = message[at + index];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { value, end: at + index + 1 };
  }
  return undefined;
}
