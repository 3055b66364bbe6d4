/**
 * Dead properties (RFC 4918 section 4): kept as they came and given back, meaning nothing to us. In memory and bounded:
 * they end with the agent, and where clients set more than fits, those of the resource touched longest ago go.
 */
import { NethoodError } from '../../protocol/errors.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import { isBelow } from './webdav-locks.ts';
import type { XmlName } from './webdav-xml.ts';

const limits = { bytes: 8 << 20, perResource: 256 << 10 } as const;
/** What keeping one costs beside its text. */
const overhead = 200;

/** By `propertyKey`, as XML text. */
export type PropertyTexts = ReadonlyMap<string, string>;

const none: PropertyTexts = new Map();

/** One text for a name (James Clark's notation). */
export function propertyKey({ namespace, local }: XmlName): string {
  return `{${namespace}}${local}`;
}

export function propertyName(key: string): XmlName {
  const end = key.lastIndexOf('}');
  return { namespace: key.slice(1, end), local: key.slice(end + 1) };
}

export class DeadProperties {
  /** The one touched longest ago first. */
  readonly #byPath = new Map<WirePath, PropertyTexts>();
  #bytes = 0;

  of(path: WirePath): PropertyTexts {
    return this.#byPath.get(path) ?? none;
  }

  /** @throws `no-space` */
  replace(path: WirePath, properties: PropertyTexts): void {
    const bytes = weight(path, properties);
    if (bytes > limits.perResource) throw new NethoodError('no-space', 'The properties of one resource are too many.');
    this.#drop(path);
    if (properties.size === 0) return;
    this.#byPath.set(path, properties);
    this.#bytes += bytes;
    for (const oldest of this.#byPath.keys()) {
      if (this.#bytes <= limits.bytes) return;
      this.#drop(oldest);
    }
  }

  /** With all below. */
  forget(path: WirePath): void {
    for (const known of this.#within(path)) this.#drop(known);
  }

  /** A copy has the properties too (RFC 4918 section 9.8.2); with `flat` the folder's own alone. */
  copy(from: WirePath, to: WirePath, flat: boolean): void {
    this.forget(to);
    for (const path of flat ? [from] : this.#within(from))
      this.replace(`${to}${path.slice(from.length)}` as WirePath, this.of(path));
  }

  move(from: WirePath, to: WirePath): void {
    this.copy(from, to, false);
    this.forget(from);
  }

  #within(path: WirePath): WirePath[] {
    return [...this.#byPath.keys()].filter((known) => known === path || isBelow(known, path));
  }

  #drop(path: WirePath): void {
    const properties = this.#byPath.get(path);
    if (properties === undefined) return;
    this.#byPath.delete(path);
    this.#bytes -= weight(path, properties);
  }
}

function weight(path: WirePath, properties: PropertyTexts): number {
  let sum = properties.size === 0 ? 0 : path.length + overhead;
  for (const [key, text] of properties) sum += key.length + text.length + overhead;
  return sum;
}
