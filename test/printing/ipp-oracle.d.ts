/** Parser, serializer and tables of the package `ipp`: an oracle for messages that it gets right, never near a network. */
declare module 'ipp/lib/parser.js' {
  export default function parse(bytes: Buffer): Record<string, unknown>;
}
declare module 'ipp/lib/serializer.js' {
  export default function serialize(message: Record<string, unknown>): Buffer;
}
declare module 'ipp/lib/tags.js' {
  const tags: Readonly<Record<string, number>>;
  export default tags;
}
declare module 'ipp/lib/attributes.js' {
  type Attribute = { readonly type: string } | readonly { readonly type: string }[];
  const attributes: Readonly<Record<string, Readonly<Record<string, Attribute>>>>;
  export default attributes;
}
declare module 'ipp/lib/enums.js' {
  const enums: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  export default enums;
}
declare module 'ipp/lib/status-codes.js' {
  const statusCodes: Readonly<Record<string, unknown>>;
  export default statusCodes;
}
