/** The borders between the parts, as a table with reasons. Project references and lint fence the same; here it is said why. */
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, posix, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

interface Layer {
  /** Files below this folder, but not below a longer one of the table. */
  readonly folder: string;
  /** Layers it may import, beside itself. */
  readonly mayImport: readonly string[];
  readonly reason: string;
}

const foundation = ['protocol', 'agent/base', 'config'];
const network = [...foundation, 'agent/discovery', 'agent/trust'];
const services = [...network, 'agent/peers'];
const edges = [...services, 'agent/files', 'agent/printing'];

const layers: readonly Layer[] = [
  { folder: 'protocol', mayImport: [], reason: 'What is said on wires runs in a browser too, and is read on its own.' },
  { folder: 'agent/base', mayImport: ['protocol'], reason: 'Tools without any idea of neighbours, files or printers.' },
  {
    folder: 'config',
    mayImport: ['protocol', 'agent/base'],
    reason: 'What the user decided, for every part and face.',
  },
  {
    folder: 'agent/discovery',
    mayImport: foundation,
    reason: 'Rumours of who is where; whom to believe is not its affair.',
  },
  {
    folder: 'agent/trust',
    mayImport: foundation,
    reason: 'Keys and rights must not depend on how somebody was found.',
  },
  {
    folder: 'agent/peers',
    mayImport: network,
    reason: 'Joins who was seen with who is trusted; knows no files nor printers.',
  },
  { folder: 'agent/files', mayImport: services, reason: 'Files do not know printing.' },
  { folder: 'agent/printing', mayImport: services, reason: 'Printing does not know files.' },
  { folder: 'agent/platform', mayImport: edges, reason: 'Implements the interfaces that files and printing own.' },
  { folder: 'agent/control', mayImport: edges, reason: 'Shows and orders what the parts do; platform-free.' },
  {
    folder: 'agent',
    mayImport: [...edges, 'agent/platform', 'agent/control'],
    reason: 'Wiring: the only place that sees every part.',
  },
  { folder: 'tray', mayImport: foundation, reason: 'A face: knows the agent by its control API alone.' },
  { folder: 'cli', mayImport: foundation, reason: 'A face: a short command never loads the agent.' },
  { folder: 'web', mayImport: ['protocol'], reason: 'A face in a browser.' },
  { folder: 'bench', mayImport: foundation, reason: 'Measures the built program from outside, as users run it.' },
];

/** The one file that knows a package that does I/O: what it gets wrong is mended in one place. */
const importers: Readonly<Record<string, { readonly file: string; readonly reason: string }>> = {
  'bonjour-service': {
    file: 'agent/discovery/second-opinion.ts',
    reason: 'It browses as an independent witness; its responder has faults that must not leak.',
  },
  'multicast-dns': {
    file: 'agent/discovery/mdns.ts',
    reason: 'It joins the group; its codec is not used.',
  },
  ws: { file: 'agent/peers/transport.ts', reason: 'Limits of frames and messages are set once.' },
  ipp: { file: 'agent/printing/ipp-tables.ts', reason: 'Its tables are wanted, its parser hangs on 16 bytes.' },
  'tar-stream': { file: 'agent/files/archive-format.ts', reason: 'Names in archives are checked in one place.' },
  saxes: { file: 'agent/files/webdav-xml.ts', reason: 'What of XML is taken, and how much, is said once.' },
  pino: { file: 'agent/base/log.ts', reason: 'Everybody else gets a Log.' },
  'rotating-file-stream': { file: 'agent/base/log.ts', reason: 'Everybody else gets a Log.' },
  systray2: { file: 'tray/systray.ts', reason: 'Its binary has traps that one file works around.' },
};
/** Without I/O, for everybody. */
const anywhere = new Set(['zod']);
/** Declared, and not used so far. */
const notYet = new Set<string>();

const topFolders = new Set(['agent', 'bench', 'cli', 'config', 'docs', 'protocol', 'test', 'tray', 'web']);
const notOurs = new Set(['node_modules', 'dist', 'bundle', 'coverage', '.git']);

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (notOurs.has(entry.name)) return [];
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}
const files = filesBelow('.');
const sources = files.filter((file) => /\.tsx?$/.test(file));
const program = sources.filter((file) => file.includes('/') && !file.startsWith('test/'));

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** Code without its comments; strings stay, so that a `//` inside one is none. */
function withoutComments(code: string): string {
  const token = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;
  return code.replace(token, (text) => (text.startsWith('/') ? ' ' : text));
}

/** What a file imports, statically or later; `withTypes`: also what vanishes when types are stripped. */
function importsOf(code: string, withTypes = true): string[] {
  const pattern = /\b(?:import|export)\b[\w\s{},*$]*\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]/g;
  return Array.from(withoutComments(code).matchAll(pattern))
    .filter(([text]) => withTypes || !/^(import|export)\s+type\b/.test(text))
    .map(([, from, bare]) => from ?? bare ?? '');
}

const imports = new Map(sources.map((file) => [file, importsOf(read(file))]));

/** Path inside the repository of a relative import. */
function target(file: string, specifier: string): string {
  return relative(root, resolve(root, dirname(file), specifier)).replaceAll('\\', '/');
}

function layerOf(file: string): Layer | undefined {
  const holding = layers.filter(({ folder }) => file.startsWith(`${folder}/`));
  return holding.toSorted((a, b) => b.folder.length - a.folder.length)[0];
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

describe('the parts', () => {
  test('the reader of imports finds every form and no comment', () => {
    const code = `
      import a from 'a'; import type { B } from "b"; import 'c'; export { d } from 'd'; export * from 'e';
      const f = await import('f'); import {\n  g,\n  type G,\n} from 'g'; import * as h from 'h';
      // import x from 'x'
      /* import y from 'y' */ const url = 'https://example.org'; const s = "it's"; import i from 'i';`;
    expect(importsOf(code)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']);
    expect(importsOf(code, false)).toEqual(['a', 'c', 'd', 'e', 'f', 'g', 'h', 'i']);
  });

  test('import only what the table allows', () => {
    const wrong = program.flatMap((file) => {
      const layer = layerOf(file);
      if (layer === undefined) return [`${file} is in no layer of the table.`];
      return (imports.get(file) ?? [])
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => target(file, specifier))
        .filter((imported) => {
          const other = layerOf(imported)?.folder ?? imported;
          return other !== layer.folder && !layer.mayImport.includes(other);
        })
        .map((imported) => `${file} may not import ${imported}: ${layer.reason}`);
    });
    expect(wrong).toEqual([]);
  });

  test('are fenced alike by the project references of the compiler', () => {
    for (const { folder, mayImport } of layers.filter((layer) => files.includes(`${layer.folder}/tsconfig.json`))) {
      const { references } = JSON.parse(read(`${folder}/tsconfig.json`)) as { references: { path: string }[] };
      const referred = references.map(({ path }) => target(`${folder}/tsconfig.json`, path));
      expect(referred.toSorted(), `${folder}/tsconfig.json`).toEqual([...mayImport].toSorted());
    }
  });

  test('import no file in a circle, not even by a late import', () => {
    const atRunTime = new Map(sources.map((file) => [file, importsOf(read(file), false)]));
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, trail: readonly string[]): void => {
      if (trail.includes(file)) circles.push([...trail.slice(trail.indexOf(file)), file].join(' -> '));
      if (done.has(file) || trail.includes(file)) return;
      for (const specifier of atRunTime.get(file) ?? [])
        if (specifier.startsWith('.')) visit(target(file, specifier), [...trail, file]);
      done.add(file);
    };
    for (const file of sources) visit(file, []);
    expect(circles).toEqual([]);
  });

  test('import files that exist, by their whole name', () => {
    const missing = sources.flatMap((file) =>
      (imports.get(file) ?? [])
        .filter((specifier) => specifier.startsWith('.') && !files.includes(target(file, specifier)))
        .map((specifier) => `${file}: ${specifier}`),
    );
    expect(missing).toEqual([]);
  });
});

describe('packages', () => {
  const used = program.flatMap((file) =>
    (imports.get(file) ?? [])
      .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
      .map((specifier) => ({ file, name: packageOf(specifier) })),
  );

  test('that do I/O have exactly one importing file', () => {
    const wrong = used
      .filter(({ file, name }) => !anywhere.has(name) && importers[name]?.file !== file)
      .map(
        ({ file, name }) => `${file} may not import ${name}: ${importers[name]?.reason ?? 'it is not in the table.'}`,
      );
    expect(wrong).toEqual([]);
  });

  test('of the table are imported where it says', () => {
    for (const [name, { file }] of Object.entries(importers))
      expect(imports.get(file)?.map(packageOf), `${file} imports ${name}`).toContain(name);
  });

  test('that are declared are used, and no other', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
    const known = [...Object.keys(importers), ...anywhere, ...notYet];
    expect(Object.keys(dependencies).toSorted()).toEqual(known.toSorted());
    // Pinned: what was measured and worked around is what runs.
    for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test('of Node are imported by their full name', () => {
    const bare = sources.flatMap((file) =>
      (imports.get(file) ?? []).filter((specifier) => builtinModules.includes(specifier)),
    );
    expect(bare).toEqual([]);
  });

  test('are fetched from wherever this place fetches packages: the lock file names no address', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved"|\.tgz"/);
  });
});

describe('files', () => {
  test('lie in the folders of the layout', () => {
    const folders = new Set(files.filter((file) => file.includes('/')).map((file) => file.split('/')[0] ?? ''));
    expect(Array.from(folders).filter((folder) => !folder.startsWith('.') && !topFolders.has(folder))).toEqual([]);
  });

  test('have at most 300 lines, tests and benchmarks 500', () => {
    const long = sources.filter(
      (file) => read(file).split('\n').length - 1 > (/^(test|bench)\//.test(file) ? 500 : 300),
    );
    expect(long).toEqual([]);
  });

  test('are named in kebab case, after what they hold', () => {
    const odd = sources.filter(
      (file) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.config|\.d)?\.tsx?$/.test(posix.basename(file)),
    );
    expect(odd).toEqual([]);
    const vague = /^(index|utils?|helpers|misc|common|shared|lib|stuff)\.tsx?$/;
    expect(sources.filter((file) => vague.test(posix.basename(file)))).toEqual([]);
  });

  test('export by name, and only what they hold themselves', () => {
    const code = new Map(
      sources.filter((file) => !file.endsWith('.config.ts')).map((file) => [file, withoutComments(read(file))]),
    );
    const having = (pattern: RegExp): string[] =>
      Array.from(code.keys()).filter((file) => pattern.test(code.get(file) ?? ''));
    expect(having(/^export default\b/m)).toEqual([]);
    const barrel = /^export\s+(?:type\s+)?(?:\*|\{[^}]*\})[^;']*\bfrom\b/m;
    expect(having(barrel)).toEqual([]);
  });

  test('name no place of the machine that they were written on', () => {
    const texts = files.filter((file) => !/\.(png|ico|pdf|gz|tar|woff2?)$/.test(file));
    const places = [root, ...['builds/', 'home/runner', 'Users/runner'].map((place) => `/${place}`)];
    const found = texts.flatMap((file) => {
      const text = read(file);
      return places.filter((place) => place.length > 5 && text.includes(place)).map((place) => `${file}: ${place}`);
    });
    expect(found).toEqual([]);
  });
});
