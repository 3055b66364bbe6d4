import { describe, expect, test } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';

function ender(log: string[], name: string): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => {
      await Promise.resolve();
      log.push(name);
    },
  };
}
const unexpected = (error: unknown): void => {
  throw error;
};

describe('a scope', () => {
  test('ends what it owns in reverse order, each to its end, once', async () => {
    const log: string[] = [];
    const scope = new Scope();
    scope.use(ender(log, 'first'));
    scope.use({ [Symbol.dispose]: () => void log.push('second') });
    scope.defer(() => log.push('third'));
    await Promise.all([scope[Symbol.asyncDispose](), scope[Symbol.asyncDispose]()]);
    expect(log).toEqual(['third', 'second', 'first']);
  });

  test('aborts its signal before anything ends', async () => {
    const scope = new Scope();
    let aborted = false;
    scope.defer(() => (aborted = scope.signal.aborted));
    await scope[Symbol.asyncDispose]();
    expect(aborted).toBe(true);
  });

  test('ends the rest when one fails, and tells the failure', async () => {
    const log: string[] = [];
    const scope = new Scope();
    scope.use(ender(log, 'first'));
    scope.defer(() => {
      throw new Error('stuck');
    });
    await expect(scope[Symbol.asyncDispose]()).rejects.toThrow('stuck');
    expect(log).toEqual(['first']);
  });

  test('tells several failures together', async () => {
    const scope = new Scope();
    for (const name of ['a', 'b']) scope.defer(() => Promise.reject(new Error(name)));
    await expect(scope[Symbol.asyncDispose]()).rejects.toMatchObject({ errors: [{ message: 'b' }, { message: 'a' }] });
  });

  test('waits for work in the background, which hears the signal', async () => {
    const scope = new Scope();
    let ended = false;
    scope.run(async (signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await Promise.resolve();
      ended = true;
      throw new Error('ended by the scope: nobody needs to know');
    }, unexpected);
    await scope[Symbol.asyncDispose]();
    expect(ended).toBe(true);
  });

  test('hands the failure of work to its owner while it lives', async () => {
    const scope = new Scope();
    const failure = new Promise((resolve) => {
      scope.run(() => Promise.reject(new Error('broken')), resolve);
    });
    expect(await failure).toMatchObject({ message: 'broken' });
    await scope[Symbol.asyncDispose]();
  });

  test('regression: work that throws before its first wait is a failure like any other', async () => {
    const scope = new Scope();
    const failure = new Promise((resolve) => {
      scope.run(() => {
        throw new Error('at once');
      }, resolve);
    });
    expect(await failure).toMatchObject({ message: 'at once' });
    await scope[Symbol.asyncDispose]();
  });

  test('ends at once what it is given after its end', async () => {
    const log: string[] = [];
    const scope = new Scope();
    await scope[Symbol.asyncDispose]();
    scope.use(ender(log, 'late'));
    await expect.poll(() => log).toEqual(['late']);
  });

  test('regression: what work brings while the scope ends is ended before the scope is', async () => {
    const log: string[] = [];
    const scope = new Scope();
    scope.run(async (signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await new Promise((resolve) => setImmediate(resolve));
      scope.use(ender(log, 'late'));
      scope.run(async () => {
        await new Promise((resolve) => setImmediate(resolve));
        scope.use(ender(log, 'later'));
      }, unexpected);
    }, unexpected);
    await scope[Symbol.asyncDispose]();
    expect(log).toEqual(['late', 'later']);
  });

  test('owns its children, in order with the rest; a child may end earlier and is forgotten', async () => {
    const log: string[] = [];
    const scope = new Scope();
    scope.use(ender(log, 'before'));
    const early = scope.child();
    early.use(ender(log, 'early'));
    const late = scope.child();
    late.use(ender(log, 'late'));
    scope.use(ender(log, 'after'));
    await early[Symbol.asyncDispose]();
    expect([early.signal.aborted, scope.signal.aborted]).toEqual([true, false]);
    await scope[Symbol.asyncDispose]();
    expect(log).toEqual(['early', 'after', 'late', 'before']);
  });

  test('regression: a child made after the end is ended too', async () => {
    const scope = new Scope();
    await scope[Symbol.asyncDispose]();
    expect(scope.child().signal.aborted).toBe(true);
  });
});
