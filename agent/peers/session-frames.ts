/**
 * What a text frame of the peer protocol means: parsed once, here. Its length was bounded by the transport; what fits no
 * schema becomes a value too, because the session answers and counts it.
 */
import { z } from 'zod';
import { NethoodError } from '../../protocol/errors.ts';
import {
  AnyFrame,
  Cancel,
  ErrorFrame,
  Hello,
  PeerEvent,
  PeerRequest,
  peerResults,
  type PeerRequestType,
  type PeerResult,
  RequestId,
  ResultFrame,
} from '../../protocol/peer.ts';

interface Versions {
  readonly min: number;
  readonly max: number;
}

export type Incoming =
  /** The versions are read apart from the rest: a later version's hello may have another shape. */
  | { readonly kind: 'hello'; readonly versions: Versions; readonly hello: Hello | undefined; readonly reason: string }
  | { readonly kind: 'request'; readonly request: PeerRequest }
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'result'; readonly id: number; readonly body: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: NethoodError }
  | { readonly kind: 'event'; readonly event: PeerEvent }
  | { readonly kind: 'unknown'; readonly id: number | undefined }
  | { readonly kind: 'malformed'; readonly id: number | undefined; readonly reason: string }
  /** An answer of ours that does not fit what we asked. */
  | { readonly kind: 'bad-result'; readonly id: number; readonly reason: string };

type AnyResult = { [T in PeerRequestType]: PeerResult<T> }[PeerRequestType];

export type Outgoing =
  | Hello
  | PeerRequest
  | PeerEvent
  | { readonly type: 'cancel'; readonly id: number }
  | { readonly type: 'result'; readonly id: number; readonly body: AnyResult }
  | { readonly type: 'error'; readonly id: number; readonly error: NethoodError };

/** Which request of ours has this number, if one is open. */
export type Asked = (id: number) => PeerRequestType | undefined;

const HelloVersions = z.object({ protocol: z.object({ min: z.number(), max: z.number() }) });
const requestTypes: ReadonlySet<string> = new Set(PeerRequest.options.map((option) => option.shape.type.value));
const eventTypes: ReadonlySet<string> = new Set(PeerEvent.options.map((option) => option.shape.type.value));

export function parseFrame(text: string, asked: Asked): Incoming {
  const frame = AnyFrame.safeParse(parseJson(text));
  if (!frame.success) return malformed(undefined, frame.error);
  const { type, id } = frame.data;
  if (requestTypes.has(type)) return parseRequest(frame.data, id);
  if (eventTypes.has(type)) return parseEvent(frame.data);
  switch (type) {
    case 'hello':
      return parseHello(frame.data);
    case 'result':
      return parseResult(frame.data, asked);
    case 'error':
      return parseError(frame.data);
    case 'cancel':
      return parseCancel(frame.data);
    default:
      return { kind: 'unknown', id };
  }
}

/** The result's body and its envelope share one object; the envelope wins. */
export function formatFrame(frame: Outgoing): string {
  if (frame.type === 'result') return JSON.stringify({ ...frame.body, type: 'result', id: frame.id });
  if (frame.type !== 'error') return JSON.stringify(frame);
  const { code, message, retryAfterMs } = frame.error;
  return JSON.stringify({ type: 'error', id: frame.id, code, message: message.slice(0, 1000), retryAfterMs });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON is one way not to fit the schema, which says so.
    return undefined;
  }
}

function parseRequest(frame: unknown, id: number | undefined): Incoming {
  const request = PeerRequest.safeParse(frame);
  return request.success ? { kind: 'request', request: request.data } : malformed(id, request.error);
}

function parseEvent(frame: unknown): Incoming {
  const event = PeerEvent.safeParse(frame);
  return event.success ? { kind: 'event', event: event.data } : malformed(undefined, event.error);
}

function parseCancel(frame: unknown): Incoming {
  const cancel = Cancel.safeParse(frame);
  return cancel.success ? { kind: 'cancel', id: cancel.data.id } : malformed(undefined, cancel.error);
}

function parseHello(frame: unknown): Incoming {
  const versions = HelloVersions.safeParse(frame);
  if (!versions.success) return malformed(undefined, versions.error);
  const hello = Hello.safeParse(frame);
  const reason = hello.success ? '' : firstIssue(hello.error);
  return { kind: 'hello', versions: versions.data.protocol, hello: hello.data, reason };
}

function parseResult(frame: unknown, asked: Asked): Incoming {
  const envelope = ResultFrame.safeParse(frame);
  if (!envelope.success) return malformed(undefined, envelope.error);
  const { id } = envelope.data;
  const type = asked(id);
  if (type === undefined) return { kind: 'result', id, body: undefined };
  const body = peerResults[type].safeParse(envelope.data);
  return body.success
    ? { kind: 'result', id, body: body.data }
    : { kind: 'bad-result', id, reason: firstIssue(body.error) };
}

function parseError(frame: unknown): Incoming {
  const error = ErrorFrame.safeParse(frame);
  if (!error.success) return malformed(undefined, error.error);
  const { id, code, message, retryAfterMs } = error.data;
  const options = retryAfterMs === undefined ? {} : { retryAfterMs };
  return { kind: 'error', id, error: new NethoodError(code, message, options) };
}

/** Only a message that has a number can be answered. */
function malformed(id: number | undefined, error: z.ZodError): Incoming {
  return { kind: 'malformed', id: RequestId.safeParse(id).data, reason: firstIssue(error) };
}

/** The whole text of a zod error can be many times the message it is about. */
function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue === undefined ? 'unknown' : `${issue.path.join('.')}: ${issue.message}`.slice(0, 200);
}
