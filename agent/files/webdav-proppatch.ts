/** PROPPATCH (RFC 4918 section 9.2): all of its instructions are followed, in their order, or none. */
import { NethoodError } from '../../protocol/errors.ts';
import type { PeerEntry } from '../../protocol/peer.ts';
import { admit } from './webdav-admit.ts';
import { propertyKey } from './webdav-dead.ts';
import { emptyElement, isProtected, multistatusEnd, multistatusStart, propstat } from './webdav-properties.ts';
import { answer, type DavChange } from './webdav-request.ts';
import { hrefOf } from './webdav-target.ts';
import { elementsOf, isDav, readXml, type XmlElement, xmlText } from './webdav-xml.ts';

interface Instruction {
  readonly key: string;
  /** Undefined: the property is removed. */
  readonly text: string | undefined;
  /** Without tags. */
  readonly plain: string;
}

export async function proppatch(request: DavChange & { readonly entry: PeerEntry }): Promise<void> {
  const { path, entry, door, state, response } = request;
  const instructions = instructionsOf(await readXml(request.request));
  if ((await admit(request, [{ path, member: false, deep: false }])) === undefined) return;
  const refused = new Set(instructions.map(({ key }) => key).filter(isProtected));
  if (refused.size === 0) {
    await setTime(request, instructions);
    state.dead.replace(path, followed(state.dead.of(path), instructions));
  }
  const others = new Set(instructions.map(({ key }) => key).filter((key) => !refused.has(key)));
  const results = [
    propstats(others, refused.size === 0 ? '200 OK' : '424 Failed Dependency'),
    propstats(refused, '403 Forbidden'),
  ];
  const href = `<D:href>${hrefOf(door.prefix, path, entry.kind)}</D:href>`;
  const condition = refused.size === 0 ? '' : '<D:error><D:cannot-modify-protected-property/></D:error>';
  const body = `<D:response>${href}${results.join('')}${condition}</D:response>\n`;
  answer(response, 207, { xml: multistatusStart.replace(/^.*\n/, '') + body + multistatusEnd });
}

/** Explorer says by it what time a file had where it was copied from. What is no date is kept as any other property. */
const timeOfWindows = '{urn:schemas-microsoft-com:}Win32LastModifiedTime';

async function setTime({ door, path, signal }: DavChange, instructions: readonly Instruction[]): Promise<void> {
  const said = instructions.findLast(({ key, text }) => key === timeOfWindows && text !== undefined);
  const modified = Date.parse(said?.plain ?? '');
  if (!Number.isNaN(modified)) await door.writable?.setModified?.(path, modified, signal);
}

function followed(before: ReadonlyMap<string, string>, instructions: readonly Instruction[]): Map<string, string> {
  const after = new Map(before);
  for (const { key, text } of instructions)
    if (text === undefined) after.delete(key);
    else after.set(key, text);
  return after;
}

function propstats(keys: ReadonlySet<string>, status: string): string {
  return keys.size === 0 ? '' : propstat([...keys].map(emptyElement).join(''), status);
}

/** @throws `bad-request` */
function instructionsOf(root: XmlElement | undefined): Instruction[] {
  if (root === undefined || !isDav(root, 'propertyupdate'))
    throw new NethoodError('bad-request', 'The body of PROPPATCH is a propertyupdate element.');
  const instructions = elementsOf(root).flatMap((child) => {
    const sets = isDav(child, 'set');
    if (!sets && !isDav(child, 'remove')) return [];
    const properties = elementsOf(child).filter((inside) => isDav(inside, 'prop'));
    return properties.flatMap((prop) => elementsOf(prop)).map((property) => instructionOf(property, sets));
  });
  if (instructions.length === 0) throw new NethoodError('bad-request', 'The propertyupdate element changes nothing.');
  return instructions;
}

function instructionOf(property: XmlElement, sets: boolean): Instruction {
  const plain = property.children.filter((child) => typeof child === 'string').join('');
  return { key: propertyKey(property), text: sets ? xmlText(property) : undefined, plain };
}
