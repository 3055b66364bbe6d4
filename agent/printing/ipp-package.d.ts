/** The tables of the package `ipp`, file by file: its parser, serializer and client are never even loaded. */
declare module 'ipp/lib/enums.js' {
  /** By attribute: names to numbers, and `lookup` from numbers to names (with holes). */
  const enums: Readonly<Record<string, Readonly<Record<string, number>> & { readonly lookup: readonly string[] }>>;
  export default enums;
}
declare module 'ipp/lib/status-codes.js' {
  const statusCodes: Readonly<Record<string, number>> & { readonly lookup: readonly string[] };
  export default statusCodes;
}
declare module 'ipp/lib/attributes.js' {
  interface Syntax {
    readonly type: string;
    readonly max?: number;
  }
  /** Several where an attribute may have one of several syntaxes; then a property of the list says whether it is a set. */
  type Attribute = (Syntax | readonly Syntax[]) & { readonly setof?: boolean };
  /** By group, then by name. */
  const attributes: Readonly<Record<string, Readonly<Record<string, Attribute>>>>;
  export default attributes;
}
