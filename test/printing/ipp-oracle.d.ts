/** Parser and serializer of the package `ipp`: an oracle for messages that it gets right, never near a network. */
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
