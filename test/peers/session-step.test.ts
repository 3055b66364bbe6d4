import { describe, expect, it } from 'vitest';
import { NethoodError } from '../../protocol/errors.ts';
import { closeCodes, deadlines, type Hello } from '../../protocol/peer.ts';
import { noResources } from '../../protocol/resources.ts';
import { ShareId } from '../../protocol/ids.ts';
import { rootPath } from '../../protocol/wire-path.ts';
import { formatFrame, parseFrame, type Incoming } from '../../agent/peers/session-frames.ts';
import { nextDeadline, openSession, type SessionEffect, type SessionEvent } from '../../agent/peers/session-state.ts';
import type { SessionState } from '../../agent/peers/session-state.ts';
import { step } from '../../agent/peers/session-step.ts';
import { bootId, deviceIds } from '../sim/agent.ts';

const [small, large] = deviceIds(2) as [Hello['device']['id'], Hello['device']['id']];
const share = ShareId.parse('a'.repeat(26));
const stat = { type: 'stat', share, path: rootPath } as const;

function hello(id: Hello['device']['id'], changes: Partial<Hello> = {}): Hello {
  return {
    type: 'hello',
    protocol: { min: 1, max: 1 },
    features: ['walk', 'job-events'],
    boot: bootId(1),
    device: { id, name: 'maria on pc7' },
    port: 6631,
    resources: noResources,
    ...changes,
  };
}

/** A session as seen by one side, with all that it has done. */
class Side {
  state: SessionState;
  effects: SessionEffect[];
  now = 0;

  constructor(self = small, peer = large) {
    const opened = openSession(peer, 'them', hello(self), 0);
    this.state = opened.state;
    this.effects = [...opened.effects];
  }

  static ready(self = small, peer = large): Side {
    const side = new Side(self, peer);
    side.text(JSON.stringify(hello(peer)));
    side.taken();
    return side;
  }

  do(event: SessionEvent): this {
    const { state, effects } = step(this.state, event);
    this.state = state;
    this.effects.push(...effects);
    return this;
  }

  /** A message comes in. */
  text(text: string, congested = false): this {
    const frame: Incoming = parseFrame(text, (id) => this.state.asks.get(id)?.request.type);
    return this.do({ type: 'frame', now: this.now, frame, congested });
  }

  say(message: object): this {
    return this.text(JSON.stringify(message));
  }

  ask(ask: number): this {
    return this.do({ type: 'ask', now: this.now, ask, request: stat });
  }

  /** Time passes; `tick` comes when it is due. */
  wait(ms: number): this {
    const end = this.now + ms;
    for (let due = nextDeadline(this.state); due <= end; due = nextDeadline(this.state)) {
      this.now = Math.max(this.now, due);
      this.do({ type: 'tick', now: this.now });
    }
    this.now = end;
    return this;
  }

  taken(): SessionEffect[] {
    const { effects } = this;
    this.effects = [];
    return effects;
  }

  /** What went out since, as messages. */
  sent(): unknown[] {
    return this.taken().flatMap((effect) => (effect.type === 'send' ? [JSON.parse(formatFrame(effect.frame))] : []));
  }

  end(): unknown {
    return this.effects.find(({ type }) => type === 'end');
  }
}

describe('greeting', () => {
  it('says hello first and is ready when the other has', () => {
    const side = new Side();
    expect(side.sent()).toEqual([hello(small)]);
    side.say(hello(large, { features: ['job-events', 'later'] }));
    expect(side.state.phase).toBe('ready');
    expect(side.taken()).toMatchObject([
      { type: 'ready', greeting: { version: 1, features: new Set(['job-events']) } },
    ]);
  });

  it('takes the highest common version', () => {
    const side = new Side();
    side.say(hello(large, { protocol: { min: 1, max: 7 } }));
    expect(side.taken().at(-1)).toMatchObject({ greeting: { version: 1 } });
  });

  it.each([
    { min: 0, max: 0 },
    { min: 2, max: 9 },
    { min: 999, max: 999 },
    { min: -5, max: -1 },
  ])('closes with 4002 where no version is common: %j', (protocol) => {
    const side = new Side().say({ ...hello(large), protocol, boot: 'of another shape' });
    expect(side.end()).toMatchObject({ code: closeCodes.unsupportedVersion, by: 'us' });
  });

  it('closes with 4001 after 5 s without hello, whatever else was said', () => {
    const side = new Side().wait(deadlines.hello - 1);
    expect(side.end()).toBeUndefined();
    expect(side.wait(1).end()).toMatchObject({ code: closeCodes.helloTimeout });
  });

  it.each([
    ['a request', { ...stat, id: 7 }],
    ['an event', { type: 'name', name: 'x' }],
    ['an answer', { type: 'result', id: 1 }],
    ['an unknown message', { type: 'later', id: 7 }],
    ['a cancel', { type: 'cancel', id: 1 }],
    ['nonsense', [1]],
    ['a malformed hello', { ...hello(large), boot: '' }],
    ['a hello of another device', hello(small)],
  ])('closes with 4000 where %s comes first', (_, message) => {
    expect(new Side().say(message).end()).toMatchObject({ code: closeCodes.badMessage, by: 'us' });
  });

  it('tells who asked before hello that this was too early', () => {
    expect(new Side().say({ ...stat, id: 7 }).sent()).toContainEqual(
      expect.objectContaining({ type: 'error', id: 7, code: 'bad-message' }),
    );
  });

  it('closes with 4000 at a second hello', () => {
    expect(Side.ready().say(hello(large)).end()).toMatchObject({ code: closeCodes.badMessage });
  });
});

describe('requests of ours', () => {
  it('wait for hello, and then go out in order', () => {
    const side = new Side().ask(1).ask(2);
    side.taken();
    side.say(hello(large));
    expect(side.sent()).toEqual([
      { ...stat, id: 1 },
      { ...stat, id: 2 },
    ]);
  });

  it('are settled by their result or error, each once', () => {
    const side = Side.ready().ask(10).ask(11);
    side.taken();
    const entry = { path: '', kind: 'folder', size: 0, modified: 1 };
    side.say({ type: 'error', id: 2, code: 'busy', message: 'later', retryAfterMs: 5 });
    side.say({ type: 'result', id: 1, entry, extra: 1 }).say({ type: 'result', id: 1, entry });
    const error = expect.objectContaining({ code: 'busy', retryAfterMs: 5 });
    expect(side.taken()).toEqual([
      { type: 'settle', ask: 11, outcome: { ok: false, error } },
      { type: 'settle', ask: 10, outcome: { ok: true, body: { entry } } },
    ]);
  });

  it('take an error code of a later version as internal', () => {
    const side = Side.ready().ask(1);
    side.taken();
    side.say({ type: 'error', id: 1, code: 'of-tomorrow', message: 'x' });
    expect(side.taken()).toMatchObject([{ outcome: { error: { code: 'internal' } } }]);
  });

  it('fail as bad-message where the result is none, which counts as malformed', () => {
    const side = Side.ready().ask(1);
    side.taken();
    side.say({ type: 'result', id: 1, entry: 3 });
    expect(side.taken()).toMatchObject([{ type: 'settle', outcome: { ok: false, error: { code: 'bad-message' } } }]);
    expect(side.state.malformed).toBe(1);
  });

  it('are at most 64 on the wire; the rest waits, up to a thousand', () => {
    const side = Side.ready();
    for (let ask = 1; ask <= 64 + 1_000; ask++) side.ask(ask);
    expect(side.sent()).toHaveLength(64);
    expect(side.ask(9_999).taken()).toMatchObject([
      { type: 'settle', ask: 9_999, outcome: { error: { code: 'busy' } } },
    ]);
    side.say({ type: 'error', id: 30, code: 'not-found', message: 'x' });
    expect(side.sent()).toEqual([{ ...stat, id: 65 }]);
  });

  it('end after 15 s with timeout, and the other side is told to stop', () => {
    const side = Side.ready().ask(1);
    side.taken();
    // Somebody who is alive and does not answer.
    for (let at = 0; at < 15; at++) side.say({ type: 'name', name: 'x' }).wait(1_000);
    const effects = side.taken().filter(({ type }) => type !== 'event');
    expect(effects).toMatchObject([
      { type: 'send', frame: { type: 'cancel', id: 1 } },
      { type: 'settle', ask: 1, outcome: { error: { code: 'timeout' } } },
    ]);
  });

  it('that are abandoned are cancelled, settle nothing, and hold their place until the other has let go', () => {
    const side = Side.ready();
    for (let ask = 1; ask <= 65; ask++) side.ask(ask);
    side.taken();
    expect(side.do({ type: 'abandon', ask: 3 }).sent()).toEqual([{ type: 'cancel', id: 3 }]);
    expect(side.do({ type: 'abandon', ask: 65 }).sent()).toEqual([]);
    side.ask(66).say({ type: 'error', id: 3, code: 'cancelled', message: 'x' });
    expect(side.taken()).toMatchObject([{ type: 'send', frame: { id: 66 } }]);
  });

  it('are interrupted by the end, the waiting ones too', () => {
    const side = Side.ready();
    for (let ask = 1; ask <= 65; ask++) side.ask(ask);
    side.taken();
    side.do({ type: 'abandon', ask: 1 });
    side.do({ type: 'close', code: 1006, reason: '', by: 'them' });
    const settled = side.taken().filter(({ type }) => type === 'settle');
    expect(settled).toHaveLength(64);
    expect(settled[0]).toMatchObject({ outcome: { error: { code: 'interrupted' } } });
    expect(side.ask(70).taken()).toMatchObject([
      { type: 'settle', ask: 70, outcome: { error: { code: 'interrupted' } } },
    ]);
  });

  it('that were never made have no answer: closed with 4000', () => {
    expect(Side.ready().say({ type: 'result', id: 1 }).end()).toMatchObject({ code: closeCodes.badMessage });
  });
});

describe('requests of theirs', () => {
  it('become work, and its end the answer', () => {
    const side = Side.ready().say({ ...stat, id: 5 });
    expect(side.taken()).toEqual([{ type: 'work', request: { ...stat, id: 5 } }]);
    const entry = { path: rootPath, kind: 'folder', size: 0, modified: 1 } as const;
    side.do({ type: 'worked', answer: { type: 'result', id: 5, body: { entry } } });
    expect(side.sent()).toEqual([{ type: 'result', id: 5, entry }]);
  });

  it('are at most 64 at once: the next is busy', () => {
    const side = Side.ready();
    for (let id = 1; id <= 65; id++) side.say({ ...stat, id });
    const effects = side.taken();
    expect(effects.filter(({ type }) => type === 'work')).toHaveLength(64);
    expect(effects.at(-1)).toMatchObject({
      frame: { type: 'error', id: 65, error: { code: 'busy', retryAfterMs: 1_000 } },
    });
  });

  it('stop at a cancel, are answered once, and hold their place until the handler has let go', () => {
    const side = Side.ready()
      .say({ ...stat, id: 5 })
      .say({ type: 'cancel', id: 5 })
      .say({ type: 'cancel', id: 5 });
    expect(side.taken().slice(1)).toEqual([{ type: 'stop', id: 5 }]);
    expect(side.state.work.size).toBe(1);
    side.do({ type: 'worked', answer: { type: 'error', id: 5, error: new NethoodError('internal', 'x') } });
    expect(side.sent()).toMatchObject([{ type: 'error', id: 5, code: 'cancelled' }]);
    expect(side.state.work.size).toBe(0);
  });

  it('that end after the session did are not answered', () => {
    const side = Side.ready().say({ ...stat, id: 5 });
    side.taken();
    side.do({ type: 'close', code: 1006, reason: '', by: 'them' });
    expect(side.taken()).toMatchObject([
      { type: 'stop', id: 5 },
      { type: 'end', by: 'them' },
    ]);
    side.do({ type: 'worked', answer: { type: 'error', id: 5, error: new NethoodError('internal', 'x') } });
    expect(side.taken()).toEqual([]);
  });

  it('with a number in use end the session', () => {
    const side = Side.ready()
      .say({ ...stat, id: 5 })
      .say({ ...stat, id: 5 });
    expect(side.end()).toMatchObject({ code: closeCodes.badMessage });
  });

  it('are busy where answers are not read', () => {
    const side = Side.ready().text(JSON.stringify({ ...stat, id: 5 }), true);
    expect(side.sent()).toMatchObject([{ type: 'error', id: 5, code: 'busy' }]);
  });

  it('of an unknown type are unsupported, events of an unknown type nothing, and the session stays', () => {
    const side = Side.ready().say({ type: 'later', id: 5 }).say({ type: 'news' });
    expect(side.sent()).toMatchObject([{ type: 'error', id: 5, code: 'unsupported' }]);
    expect(side.state.phase).toBe('ready');
  });

  it('a ping is answered at once', () => {
    expect(Side.ready().say({ type: 'ping', id: 5 }).sent()).toEqual([{ type: 'result', id: 5 }]);
  });
});

describe('a peer that says too much or nonsense', () => {
  it('gets a thousand requests at once and 500 a second, beyond that busy', () => {
    const side = Side.ready();
    const busy = (): number => side.sent().filter((message) => (message as { code?: string }).code === 'busy').length;
    for (let id = 1; id <= 1_500; id++) side.say({ type: 'ping', id });
    expect(busy()).toBe(500);
    side.wait(1_000);
    side.taken();
    for (let id = 1; id <= 600; id++) side.say({ type: 'ping', id });
    expect(busy()).toBe(100);
    expect(side.state.phase).toBe('ready');
  });

  it.each([
    ['events', { type: 'name', name: 'x' }],
    ['cancels of nothing', { type: 'cancel', id: 1 }],
  ])('is closed where it floods %s, which cannot be refused', (_, message) => {
    const side = Side.ready();
    for (let count = 0; count < 1_001; count++) side.say(message);
    expect(side.end()).toMatchObject({ code: closeCodes.badMessage });
  });

  it.each([
    ['nested', '['.repeat(500_000)],
    ['nested and whole', `${'['.repeat(200_000)}${']'.repeat(200_000)}`],
    ['no JSON', 'hello'],
    ['no object', '3'],
    ['no type', '{"id":1}'],
    ['an id beyond all numbers', '{"type":"ping","id":1e999}'],
    ['a fraction for an id', '{"type":"ping","id":1.5}'],
    ['a path out of the share', JSON.stringify({ ...stat, path: '..', id: 1 })],
    ['a name that turns text around', '{"type":"name","name":"a\\u202eb"}'],
    ['a lone surrogate', '{"type":"name","name":"\\ud800"}'],
    ['too long an id', JSON.stringify({ type: 'ping', id: 'x'.repeat(1_000_000) })],
  ])('is told bad-message where that is possible, and closed at the third: %s', (_, text) => {
    const side = Side.ready().text(text).text(text);
    expect(side.end()).toBeUndefined();
    expect(side.text(text).end()).toMatchObject({ code: closeCodes.badMessage });
    for (const message of side.sent()) expect(message).toMatchObject({ type: 'error', code: 'bad-message' });
  });

  it('cannot reach prototypes by the names of fields', () => {
    const side = Side.ready().text('{"type":"ping","id":1,"__proto__":{"polluted":1},"constructor":{}}');
    expect(side.sent()).toEqual([{ type: 'result', id: 1 }]);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

function pings(side: Side): number {
  return side.sent().filter((each) => (each as { type: string }).type === 'ping').length;
}

describe('the heartbeat', () => {
  it('of the smaller pings after 5 s of silence, again after 9.5, and is dead after 14', () => {
    const side = Side.ready().wait(4_999);
    expect(pings(side)).toBe(0);
    expect(pings(side.wait(1))).toBe(1);
    expect(pings(side.wait(4_500))).toBe(1);
    expect(side.wait(4_499).end()).toBeUndefined();
    expect(side.wait(1).end()).toMatchObject({ code: closeCodes.dead, by: 'us' });
  });

  it('of the larger says nothing for 9.5 s, pings once, and is dead after 14', () => {
    const side = Side.ready(large, small).wait(9_499);
    expect(pings(side)).toBe(0);
    expect(pings(side.wait(1))).toBe(1);
    expect(side.wait(4_499).end()).toBeUndefined();
    expect(side.wait(1).end()).toMatchObject({ code: closeCodes.dead });
  });

  it('starts anew with any message', () => {
    const side = Side.ready();
    for (let count = 0; count < 20; count++) side.wait(4_900).say({ type: 'name', name: 'x' });
    expect(pings(side)).toBe(0);
  });

  it('is kept by two that do nothing else', () => {
    const [one, other] = [Side.ready(small, large), Side.ready(large, small)];
    for (let ms = 0; ms < 120_000; ms += 100) {
      for (const [from, to] of [
        [one, other],
        [other, one],
      ] as const) {
        for (const message of from.wait(100).sent()) to.say(message as object);
      }
    }
    expect([one.state.phase, other.state.phase]).toEqual(['ready', 'ready']);
  });

  it('gives a round of grace where its timer came far too late', () => {
    const side = Side.ready();
    side.now = 600_000;
    side.do({ type: 'tick', now: side.now });
    expect(side.end()).toBeUndefined();
    expect(pings(side)).toBe(1);
    expect(side.wait(8_999).end()).toBeUndefined();
    expect(side.wait(1).end()).toMatchObject({ code: closeCodes.dead });
  });

  it('pings at once after waking up', () => {
    const side = Side.ready(large, small);
    expect(pings(side.do({ type: 'doubted', why: 'woke', now: 0 }))).toBe(1);
    expect(side.wait(8_999).end()).toBeUndefined();
    expect(side.wait(1).end()).toMatchObject({ code: closeCodes.dead });
  });

  it('of one who is rumoured to be elsewhere is asked for at once, and dead after 3 s of silence', () => {
    for (const side of [Side.ready(), Side.ready(large, small)]) {
      side.wait(3_000);
      expect(pings(side.do({ type: 'doubted', why: 'rumour', now: side.now }))).toBe(1);
      expect(side.wait(2_999).end()).toBeUndefined();
      expect(side.wait(1).end()).toMatchObject({ code: closeCodes.dead, by: 'us' });
    }
  });

  it('goes on as before once such a one has said a word, and a storm of rumours is one question', () => {
    const side = Side.ready();
    let asked = 0;
    for (let ms = 0; ms < 10_000; ms += 100) {
      asked += pings(side.do({ type: 'doubted', why: 'rumour', now: side.now }).wait(100));
      if (ms === 2_800) side.say({ type: 'name', name: 'x' });
    }
    expect(asked).toBe(2);
    expect(side.end()).toBeUndefined();
    expect(pings(side.wait(2_399))).toBe(0);
    expect(pings(side.wait(1))).toBe(1);
  });

  it('does not let a sleep time out requests whose answers lie unread', () => {
    const side = Side.ready().ask(1);
    side.taken();
    side.now = 600_000;
    side.do({ type: 'tick', now: side.now });
    expect(side.taken().filter(({ type }) => type === 'settle')).toEqual([]);
  });
});
