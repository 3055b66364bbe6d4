/**
 * XML as WebDAV uses it (RFC 4918 sections 8.2, 14, 20.6): small documents, read whole, names with their namespaces. No
 * DOCTYPE, hence no entities but the five of XML itself; unknown elements are kept, for dead properties are made of them.
 */
import type { Readable } from 'node:stream';
import { SaxesParser, type SaxesTagNS } from 'saxes';
import { NethoodError } from '../../protocol/errors.ts';

export const davNamespace = 'DAV:';
const xmlNamespace = 'http://www.w3.org/XML/1998/namespace';
const xmlnsNamespace = 'http://www.w3.org/2000/xmlns/';

export const xmlLimits = { bytes: 256 << 10, depth: 64, elements: 4096 } as const;

export interface XmlName {
  readonly namespace: string;
  readonly local: string;
}

interface XmlAttribute extends XmlName {
  readonly prefix: string;
  readonly value: string;
}

export interface XmlElement extends XmlName {
  /** As it came: a property should keep it (RFC 4918 section 4.3). */
  readonly prefix: string;
  /** Without declarations of namespaces. */
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly (XmlElement | string)[];
  /** xml:lang in scope. */
  readonly language: string | undefined;
}

type Growing = Omit<XmlElement, 'children'> & { readonly children: (XmlElement | string)[] };

/** The root of a request's body; undefined where it has none. @throws `too-large`, `bad-request` */
export async function readXml(body: Readable): Promise<XmlElement | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Not destroyed when it is left early: the refusal has still to go out by the same socket.
  for await (const bytes of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += bytes.length;
    if (size > xmlLimits.bytes) throw new NethoodError('too-large', 'An XML body has 256 kB at most.');
    chunks.push(bytes);
  }
  return size === 0 ? undefined : parseXml(Buffer.concat(chunks));
}

/** @throws `bad-request`, `too-large` */
export function parseXml(bytes: Buffer): XmlElement {
  const reader = new Reader();
  try {
    return reader.read(decoded(bytes));
  } catch (error) {
    if (error instanceof NethoodError) throw error;
    throw new NethoodError('bad-request', 'The body is not well-formed XML.', { cause: error });
  }
}

/** UTF-8 or UTF-16 (RFC 4918 section 8.2 by XML 1.0 section 4.3.3). @throws TypeError of what is neither */
function decoded(bytes: Buffer): string {
  const mark = bytes.subarray(0, 2).toString('latin1');
  const encoding = { '\u00FE\u00FF': 'utf-16be', '\u00FF\u00FE': 'utf-16le' }[mark] ?? 'utf-8';
  return new TextDecoder(encoding, { fatal: true }).decode(bytes);
}

class Reader {
  readonly #parser = new SaxesParser({ xmlns: true, position: false });
  readonly #open: Growing[] = [];
  #root: XmlElement | undefined;
  #elements = 0;

  read(text: string): XmlElement {
    const parser = this.#parser;
    parser.on('error', (error) => {
      throw error;
    });
    parser.on('doctype', () => {
      throw new NethoodError('bad-request', 'XML with a document type is not accepted.');
    });
    parser.on('opentag', (tag) => this.#begin(tag));
    parser.on('closetag', () => this.#open.pop());
    parser.on('text', (value) => this.#text(value));
    parser.on('cdata', (value) => this.#text(value));
    parser.write(text).close();
    if (this.#root === undefined) throw new NethoodError('bad-request', 'The XML has no root element.');
    return this.#root;
  }

  #begin(tag: SaxesTagNS): void {
    if (++this.#elements > xmlLimits.elements || this.#open.length >= xmlLimits.depth)
      throw new NethoodError('too-large', 'The XML has too many elements, or too deep ones.');
    const above = this.#open.at(-1);
    const attributes = Object.values(tag.attributes)
      .filter(({ uri }) => uri !== xmlnsNamespace)
      .map(({ uri, local, prefix, value }) => ({ namespace: uri, local, prefix, value }));
    const said = attributes.find(({ namespace, local }) => namespace === xmlNamespace && local === 'lang');
    const name = { namespace: tag.uri, local: tag.local, prefix: tag.prefix };
    const element = { ...name, attributes, children: [], language: said?.value ?? above?.language };
    above?.children.push(element);
    this.#root ??= element;
    this.#open.push(element);
  }

  #text(value: string): void {
    this.#open.at(-1)?.children.push(value);
  }
}

export function isDav(element: XmlName, local: string): boolean {
  return element.namespace === davNamespace && element.local === local;
}

export function elementsOf({ children }: XmlElement): XmlElement[] {
  return children.filter((child) => typeof child !== 'string');
}

/** The first child of this name of WebDAV. */
export function davChild(element: XmlElement, local: string): XmlElement | undefined {
  return elementsOf(element).find((child) => isDav(child, local));
}

/** An element as text that means the same wherever it is put. */
export function xmlText(element: XmlElement): string {
  return textOf(element, inherited(element));
}

function textOf(node: XmlElement | string, language?: string): string {
  if (typeof node === 'string') return escapeXml(node);
  const name = qualified(node);
  const start = `<${name}${attributesOf(node)}${language === undefined ? '' : ` xml:lang="${escapeXml(language)}"`}`;
  if (node.children.length === 0) return `${start}/>`;
  return `${start}>${node.children.map((child) => textOf(child)).join('')}</${name}>`;
}

/** With the namespaces of all its prefixes. */
function attributesOf({ attributes, prefix, namespace }: XmlElement): string {
  const declared = new Map([[prefix, namespace]]);
  for (const attribute of attributes)
    if (attribute.prefix !== '' && attribute.prefix !== 'xml') declared.set(attribute.prefix, attribute.namespace);
  const own = attributes.map((attribute) => ` ${qualified(attribute)}="${escapeXml(attribute.value)}"`);
  const spaces = Array.from(declared, ([key, uri]) => ` xmlns${key === '' ? '' : `:${key}`}="${escapeXml(uri)}"`);
  return [...own, ...spaces].join('');
}

function qualified({ prefix, local }: { readonly prefix: string; readonly local: string }): string {
  return prefix === '' ? local : `${prefix}:${local}`;
}

/** A language that was said further out must go along with the element (RFC 4918 section 4.3). */
function inherited({ attributes, language }: XmlElement): string | undefined {
  const own = attributes.some(({ namespace, local }) => namespace === xmlNamespace && local === 'lang');
  return own ? undefined : language;
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Also for HTML. What XML cannot hold (1.0 section 2.2) becomes U+FFFD; line ends are kept from normalisation. */
export function escapeXml(text: string): string {
  // Most names are such, and a folder has thousands.
  if (/^[\w .,()+~'-]*$/.test(text)) return text;
  return text
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll(/[&<>"]/g, (char) => escapes[char] ?? char)
    .replaceAll('\r', '&#13;');
}
