/** Every command, with its line in the usage. The code of one is loaded only when it is called. */
import type { Command } from './command.ts';

export interface Entry {
  /** After `nethood <name>`. */
  readonly usage: string;
  readonly summary: string;
  /** Undefined: known, but not in this version. */
  readonly load?: () => Promise<Command>;
}

export const commands = {
  run: {
    usage: '[--no-tray] [--name N]',
    summary: 'be the agent of this PC, here in the foreground',
    load: async () => (await import('./commands/run.ts')).run,
  },
  start: {
    usage: '[--no-tray] [--name N]',
    summary: 'start the agent in the background',
    load: async () => (await import('./commands/start.ts')).start,
  },
  stop: {
    usage: '',
    summary: 'stop the agent',
    load: async () => (await import('./commands/stop.ts')).stop,
  },
  status: {
    usage: '',
    summary: 'this device, what it shares, who is there',
    load: async () => (await import('./commands/status.ts')).status,
  },
  name: {
    usage: '[<new name>]',
    summary: "this device's name, or a new one for it",
    load: async () => (await import('./commands/name.ts')).name,
  },
  pause: {
    usage: '',
    summary: 'share nothing with anybody, for now',
    load: async () => (await import('./commands/pause.ts')).pause,
  },
  resume: {
    usage: '',
    summary: 'share again',
    load: async () => (await import('./commands/pause.ts')).resume,
  },
  neighbours: {
    usage: '',
    summary: 'who is there, and what they share',
    load: async () => (await import('./commands/neighbours.ts')).neighbours,
  },
  'neighbour add': {
    usage: '<address>',
    summary: 'a neighbour that is not found by itself: host, host:port, [IPv6%card]:port',
    load: async () => (await import('./commands/neighbour.ts')).neighbourAdd,
  },
  'neighbour forget': {
    usage: '<neighbour>',
    summary: 'take a neighbour off the list',
    load: async () => (await import('./commands/neighbour.ts')).neighbourForget,
  },
  shares: {
    usage: '',
    summary: 'the folders that this device shares',
    load: async () => (await import('./commands/shares.ts')).shares,
  },
  share: {
    usage: '<folder> | --public [--name N] [--for everyone|colleagues|<device>,...] [--write]',
    summary: 'share a folder',
    load: async () => (await import('./commands/share.ts')).share,
  },
  unshare: {
    usage: '<name>',
    summary: 'end a share; the folder stays',
    load: async () => (await import('./commands/share.ts')).unshare,
  },
  printers: {
    usage: '',
    summary: 'own printers, and those of the neighbours',
    load: async () => (await import('./commands/printers.ts')).printers,
  },
  'printer share': {
    usage: '<name> [--for everyone|colleagues|<device>,...]',
    summary: 'share an own printer',
    load: async () => (await import('./commands/printer.ts')).printerShare,
  },
  'printer unshare': {
    usage: '<name>',
    summary: 'end that',
    load: async () => (await import('./commands/printer.ts')).printerUnshare,
  },
  'printer install': {
    usage: '<neighbour>/<printer>',
    summary: "a neighbour's printer in the print dialogs of this PC",
    load: async () => (await import('./commands/printer-install.ts')).printerInstall,
  },
  'printer uninstall': {
    usage: '<neighbour>/<printer>',
    summary: 'take it out again',
    load: async () => (await import('./commands/printer-install.ts')).printerUninstall,
  },
  ls: {
    usage: '<neighbour>[/<share>[/<path>]]',
    summary: 'the shares of a neighbour, or what is in one',
    load: async () => (await import('./commands/ls.ts')).ls,
  },
  get: {
    usage: '<neighbour>/<share>/<path> [<destination>]',
    summary: 'fetch a file or a folder',
    load: async () => (await import('./commands/get.ts')).get,
  },
  put: {
    usage: '<file|folder>... <neighbour>/<share>[/<path>] [--keep]',
    summary: 'send files and folders',
    load: async () => (await import('./commands/put.ts')).put,
  },
  transfers: {
    usage: '',
    summary: 'what is fetched and sent, and what was',
    load: async () => (await import('./commands/transfers.ts')).transfers,
  },
  'transfer cancel': {
    usage: '<id>',
    summary: 'end a transfer; what has come is kept for 24 hours',
    load: async () => (await import('./commands/transfers.ts')).transferCancel,
  },
  mount: {
    usage: '[<neighbour>[/<share>]] [--open | --list | --revoke]',
    summary: 'neighbours as a drive in the file manager',
    load: async () => (await import('./commands/mount.ts')).mount,
  },
  print: {
    usage: '<file>... --on <neighbour>/<printer> [--copies N] [--wait] [...]',
    summary: "print on a neighbour's printer, or an own one",
    load: async () => (await import('./commands/print.ts')).print,
  },
  jobs: {
    usage: '',
    summary: 'what is printed, and what was',
    load: async () => (await import('./commands/jobs.ts')).jobs,
  },
  accounting: {
    usage: '[--since <day>]',
    summary: 'who printed what on the printers of this PC',
    load: async () => (await import('./commands/accounting.ts')).accounting,
  },
  'job cancel': {
    usage: '<id>',
    summary: 'end a job',
    load: async () => (await import('./commands/job.ts')).jobCancel,
  },
  'job hold': {
    usage: '<id>',
    summary: 'let a job wait',
    load: async () => (await import('./commands/job.ts')).jobHold,
  },
  'job release': {
    usage: '<id>',
    summary: 'let it go on',
    load: async () => (await import('./commands/job.ts')).jobRelease,
  },
  pair: { usage: '<neighbour>', summary: 'make a neighbour a colleague' },
  find: { usage: '<text>', summary: 'search the shares of all neighbours' },
  doctor: {
    usage: '[<neighbour>]',
    summary: 'what is wrong with the network here',
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  tray: {
    usage: '',
    summary: 'the icon in the tray, in the foreground',
    load: async () => (await import('./commands/run.ts')).tray,
  },
  open: { usage: '', summary: 'the page of this agent' },
  install: { usage: '', summary: 'start the agent at each login' },
  uninstall: { usage: '', summary: 'end that' },
} as const satisfies Record<string, Entry>;

export type CommandName = keyof typeof commands;

export function isCommand(name: string): name is CommandName {
  return Object.hasOwn(commands, name);
}

export function entryOf(name: CommandName): Entry {
  return commands[name];
}

/** The first words of commands with two. */
export const groups: readonly string[] = [
  ...new Set(Object.keys(commands).flatMap((name) => (name.includes(' ') ? [name.slice(0, name.indexOf(' '))] : []))),
];
