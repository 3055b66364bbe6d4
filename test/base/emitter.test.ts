import { describe, expect, test } from 'vitest';
import { Emitter } from '../../agent/base/emitter.ts';

function fail(message: string): () => never {
  return () => {
    throw new Error(message);
  };
}

describe('an emitter', () => {
  test('calls listeners in order until they are disposed', () => {
    const emitter = new Emitter<{ seen: [string, number] }>();
    const log: string[] = [];
    const first = emitter.on('seen', (name, at) => log.push(`1 ${name} ${at}`));
    emitter.on('seen', (name) => log.push(`2 ${name}`));
    emitter.emit('seen', 'a', 1);
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    emitter.emit('seen', 'b', 2);
    expect(log).toEqual(['1 a 1', '2 a', '2 b']);
    expect(emitter.listenerCount('seen')).toBe(1);
  });

  test('one function registered twice is two registrations', () => {
    const emitter = new Emitter<{ tick: [] }>();
    let calls = 0;
    const listener = (): void => void calls++;
    const once = emitter.on('tick', listener);
    emitter.on('tick', listener);
    once[Symbol.dispose]();
    emitter.emit('tick');
    expect(calls).toBe(1);
  });

  test('a listener that fails does not keep the others from hearing', () => {
    const emitter = new Emitter<{ tick: [] }>();
    let heard = 0;
    emitter.on('tick', fail('a'));
    emitter.on('tick', () => heard++);
    expect(() => emitter.emit('tick')).toThrow('a');
    emitter.on('tick', fail('b'));
    expect(() => emitter.emit('tick')).toThrow(AggregateError);
    expect(heard).toBe(2);
  });

  test('listeners that come while it calls wait for the next time; those that go are still called', () => {
    const emitter = new Emitter<{ tick: [] }>();
    const log: string[] = [];
    emitter.on('tick', () => {
      log.push('outer');
      second[Symbol.dispose]();
      emitter.on('tick', () => log.push('inner'));
    });
    const second = emitter.on('tick', () => log.push('second'));
    emitter.emit('tick');
    expect(log).toEqual(['outer', 'second']);
    emitter.emit('tick');
    expect(log).toEqual(['outer', 'second', 'outer', 'inner']);
  });

  test('an event without listeners is nothing', () => {
    expect(() => new Emitter<{ tick: [] }>().emit('tick')).not.toThrow();
  });
});
