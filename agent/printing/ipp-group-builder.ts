/** Attributes as they come off the wire, put together to groups: sets of values, collections within collections. */
import { isUtf8 } from 'node:buffer';
import { NethoodError } from '../../protocol/errors.ts';
import { badMessage, collectionTags } from './ipp-tags.ts';
import { decodeValue } from './ipp-value-decoder.ts';
import { groupTags, type GroupName, type IppGroup, type IppValue } from './ipp-values.ts';

export interface BuilderLimits {
  /** Attributes and members of collections, together. */
  readonly attributes: number;
  readonly nesting: number;
}

/** A group, or a collection within one. `values` are those of the attribute that is being read. */
interface Frame {
  readonly attributes: Map<string, IppValue[]>;
  values: IppValue[] | undefined;
}

const groupNames: ReadonlyMap<number, GroupName> = new Map(
  Object.entries(groupTags).map(([name, tag]) => [tag, name as GroupName]),
);

export class IppGroupBuilder {
  readonly groups: IppGroup[] = [];
  readonly #limits: BuilderLimits;
  readonly #duplicates: 'refused' | 'dropped';
  /** The group, then the collections that are open, innermost last. */
  #frames: Frame[] = [];
  #count = 0;

  /** RFC 8011 section 4.1.3 forbids the same name twice in a group. A printer that does it is still listened to: its first one counts. */
  constructor(limits: BuilderLimits, duplicates: 'refused' | 'dropped') {
    this.#limits = limits;
    this.#duplicates = duplicates;
  }

  beginGroup(tag: number): void {
    this.end();
    if (tag === 0) throw badMessage('it has a group of the reserved tag 0');
    const attributes = new Map<string, IppValue[]>();
    this.#frames = [{ attributes, values: undefined }];
    const group = groupNames.get(tag);
    // A group of a later standard is read over (RFC 8010 section 3.5.1 keeps these tags for such).
    if (group !== undefined) this.groups.push({ group, attributes });
  }

  /** No group and no collection may follow on. */
  end(): void {
    if (this.#frames.length > 1) throw badMessage('a collection has no end');
  }

  attribute(code: number, name: Buffer, bytes: Buffer): void {
    const frame = this.#frames.at(-1);
    if (frame === undefined) throw badMessage('an attribute comes before any group');
    if (this.#frames.length > 1) this.#member(frame, code, { name, bytes });
    else {
      if (name.length > 0) this.#open(frame, name);
      this.#value(frame, code, bytes);
    }
  }

  #member(frame: Frame, code: number, { name, bytes }: { name: Buffer; bytes: Buffer }): void {
    if (name.length > 0) throw badMessage('an attribute inside a collection has a name of its own');
    const memberIsEmpty = frame.values?.length === 0;
    switch (code) {
      case collectionTags.end:
        if (bytes.length > 0 || memberIsEmpty)
          throw badMessage('a collection ends before the value of its last member');
        this.#frames.pop();
        return;
      case collectionTags.memberName:
        if (bytes.length === 0 || memberIsEmpty)
          throw badMessage('a member of a collection lacks its name or its value');
        this.#open(frame, bytes);
        return;
      default:
        this.#value(frame, code, bytes);
    }
  }

  /** From here on values belong to this name. */
  #open(frame: Frame, nameBytes: Buffer): void {
    if (++this.#count > this.#limits.attributes)
      throw new NethoodError('too-large', `The IPP message has more than ${this.#limits.attributes} attributes.`);
    if (!isUtf8(nameBytes)) throw badMessage('the name of an attribute is not UTF-8');
    const name = nameBytes.toString();
    frame.values = [];
    if (!frame.attributes.has(name)) frame.attributes.set(name, frame.values);
    else if (this.#duplicates === 'refused')
      throw badMessage(`a group has the attribute ${JSON.stringify(name)} twice`);
  }

  #value(frame: Frame, code: number, bytes: Buffer): void {
    const { values } = frame;
    if (values === undefined) throw badMessage('a value belongs to no attribute');
    if (code === collectionTags.end || code === collectionTags.memberName)
      throw badMessage('the end or a member of a collection stands outside of one');
    if (code === collectionTags.begin) values.push(this.#beginCollection(bytes));
    else values.push(decodeValue(code, bytes));
  }

  #beginCollection(bytes: Buffer): IppValue {
    if (bytes.length > 0) throw badMessage('the begin of a collection has a value');
    // The group itself is the first frame.
    if (this.#frames.length > this.#limits.nesting)
      throw new NethoodError('too-large', `The IPP message nests collections more than ${this.#limits.nesting} deep.`);
    const members = new Map<string, IppValue[]>();
    this.#frames.push({ attributes: members, values: undefined });
    return { tag: 'collection', members };
  }
}
