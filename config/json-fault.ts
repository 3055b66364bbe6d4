/** Where a text stops being JSON (RFC 8259), in words a person can act on. V8's own messages often give no position. */

export interface JsonFault {
  /** Both from 1; the column counts characters. */
  readonly line: number;
  readonly column: number;
  /** `expected "," or "}" but found "x"` */
  readonly sentence: string;
}

type Expected = 'value' | 'value or "]"' | 'name' | 'name or "}"' | '":"' | 'more' | 'nothing';

const blank = /[ \t\r\n]*/y;
/** Any character but a control one, a quote or a backslash. */
const string = /"[ !#-[\]-\u{10ffff}]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[ !#-[\]-\u{10ffff}]*)*"/uy;
const scalar = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])/y;

/** The first fault, or nothing where the text is JSON. Not recursive: a deep text cannot exhaust the stack. */
export function jsonFault(text: string): JsonFault | undefined {
  const open: ('{' | '[')[] = [];
  let at = 0;
  let expected: Expected = 'value';
  for (;;) {
    at += matchAt(blank, text, at);
    if (expected === 'nothing' && at === text.length) return undefined;
    const step = steps[expected](open, text, at);
    if (step === undefined) return faultAt(text, at, wanted(expected, open));
    at += step.length;
    expected = step.next;
  }
}

interface Step {
  readonly length: number;
  readonly next: Expected;
}

type StepMaker = (open: ('{' | '[')[], text: string, at: number) => Step | undefined;

const steps: Readonly<Record<Expected, StepMaker>> = {
  value: valueStep,
  'value or "]"': (open, text, at) => (text.charAt(at) === ']' ? close(open) : valueStep(open, text, at)),
  name: nameStep,
  'name or "}"': (open, text, at) => (text.charAt(at) === '}' ? close(open) : nameStep(open, text, at)),
  '":"': (_open, text, at) => (text.charAt(at) === ':' ? { length: 1, next: 'value' } : undefined),
  more: moreStep,
  nothing: () => undefined,
};

function valueStep(open: ('{' | '[')[], text: string, at: number): Step | undefined {
  const char = text.charAt(at);
  if (char === '{' || char === '[') {
    open.push(char);
    return { length: 1, next: char === '{' ? 'name or "}"' : 'value or "]"' };
  }
  const length = matchAt(string, text, at) || matchAt(scalar, text, at);
  return length === 0 ? undefined : { length, next: after(open) };
}

function nameStep(_open: unknown, text: string, at: number): Step | undefined {
  const length = matchAt(string, text, at);
  return length === 0 ? undefined : { length, next: '":"' };
}

function moreStep(open: ('{' | '[')[], text: string, at: number): Step | undefined {
  const char = text.charAt(at);
  const inObject = open.at(-1) === '{';
  if (char === ',') return { length: 1, next: inObject ? 'name' : 'value' };
  return char === (inObject ? '}' : ']') ? close(open) : undefined;
}

function close(open: ('{' | '[')[]): Step {
  open.pop();
  return { length: 1, next: after(open) };
}

function after(open: readonly ('{' | '[')[]): Expected {
  return open.length === 0 ? 'nothing' : 'more';
}

function matchAt(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length ?? 0;
}

function wanted(expected: Expected, open: readonly ('{' | '[')[]): string {
  if (expected === 'more') return open.at(-1) === '{' ? '"," or "}"' : '"," or "]"';
  if (expected === 'nothing') return 'the end of the file';
  if (expected.startsWith('name')) return `a ${expected.replace('name', 'name in double quotes')}`;
  return expected.startsWith('value') ? `a ${expected}` : expected;
}

function faultAt(text: string, at: number, expected: string): JsonFault {
  const before = text.slice(0, at);
  const found = /^\S{1,20}/u.exec(text.slice(at))?.[0];
  return {
    line: before.split('\n').length,
    column: at - before.lastIndexOf('\n'),
    sentence: `expected ${expected} but ${found === undefined ? 'the file ends' : `found ${JSON.stringify(found)}`}`,
  };
}
