/**
 * Values of IPP (RFC 8010 section 3, RFC 8011 section 5.1) as they are on the wire: each keeps its tag, an attribute is
 * always a list of values, octetString stays bytes, dates keep their zone. Nothing is lost between decoder and encoder.
 */
export const groupTags = {
  operation: 1,
  job: 2,
  printer: 4,
  unsupported: 5,
  subscription: 6,
  notification: 7,
  resource: 8,
  document: 9,
  system: 10,
} as const;
export type GroupName = keyof typeof groupTags;

export type IppValue =
  /** unsupported 0x10, unknown 0x12, no-value 0x13 and the other out-of-band tags. */
  | {
      readonly tag:
        | 'unsupported'
        | 'unknown'
        | 'no-value'
        | 'default'
        | 'not-settable'
        | 'delete-attribute'
        | 'admin-define';
    }
  | { readonly tag: 'integer' | 'enum'; readonly value: number }
  | { readonly tag: 'boolean'; readonly value: boolean }
  | { readonly tag: 'octetString'; readonly value: Uint8Array }
  | { readonly tag: 'dateTime'; readonly value: IppDate }
  | { readonly tag: 'resolution'; readonly x: number; readonly y: number; readonly unit: 'dpi' | 'dpcm' }
  | { readonly tag: 'rangeOfInteger'; readonly lower: number; readonly upper: number }
  | { readonly tag: 'collection'; readonly members: AttributeGroup }
  | { readonly tag: 'textWithLanguage' | 'nameWithLanguage'; readonly language: string; readonly value: string }
  | { readonly tag: StringTag; readonly value: string }
  /** Any other tag, extension tags (0x7F) included; and content that its syntax does not allow (text that is no UTF-8). */
  | { readonly tag: 'raw'; readonly code: number; readonly value: Uint8Array };

export type StringTag =
  | 'text'
  | 'name'
  | 'keyword'
  | 'uri'
  | 'uriScheme'
  | 'charset'
  | 'naturalLanguage'
  | 'mimeMediaType';

/** RFC 2579 DateAndTime. */
export interface IppDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly deciSecond: number;
  readonly zoneSign: '+' | '-';
  readonly zoneHour: number;
  readonly zoneMinute: number;
}

/** In the order of the wire. A Map, so that no name from the wire can touch a prototype. */
export type AttributeGroup = ReadonlyMap<string, readonly IppValue[]>;

export interface IppGroup {
  readonly group: GroupName;
  readonly attributes: AttributeGroup;
}

interface IppHeader {
  readonly version: { readonly major: number; readonly minor: number };
  readonly requestId: number;
  readonly groups: readonly IppGroup[];
}

/** Whether a message is a request or a response is known by who reads it, never guessed from the code. */
export interface IppRequest extends IppHeader {
  readonly operation: number;
}

export interface IppResponse extends IppHeader {
  readonly status: number;
}
