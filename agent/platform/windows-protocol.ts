/**
 * What is said between the agent and its PowerShell: one JSON document a line, in ASCII both ways, because neither side can
 * be sure of the other's code page. Numbers and names of properties are those of the cmdlets (`Get-Printer`,
 * `Get-PrintJob`) and of System.Drawing.Printing; texts of Windows, which are in its user's language, are not used.
 */
import { z } from 'zod';

/** How the pages of one job are laid onto paper, in the numbers of System.Drawing.Printing. */
export interface PrintSettings {
  readonly copies: number;
  readonly collate: boolean;
  /** Duplex: 1 simplex, 2 vertical (long edge), 3 horizontal (short edge); null: as the printer is set up. */
  readonly duplex: 1 | 2 | 3 | null;
  readonly color: boolean | null;
  /** PaperSize.RawKind. */
  readonly paper: number | null;
  readonly landscape: boolean | null;
  readonly scaling: 'auto' | 'fit' | 'fill' | 'none';
  readonly dpi: number;
  /** Empty: all. */
  readonly pages: readonly { readonly from: number; readonly to: number }[];
}

export interface PrintWish extends PrintSettings {
  readonly printer: string;
  readonly file: string;
  readonly kind: 'pdf' | 'jpeg' | 'text';
  /** What the queue's window shows; ends in the mark. */
  readonly document: string;
  readonly mark: string;
  /** An empty file of this name says that Windows has the whole job. */
  readonly done: string;
}

export interface JobChange {
  readonly printer: string;
  readonly job: number;
  /** The number may be another job's by now. */
  readonly mark: string;
  readonly to: 'pause' | 'resume' | 'remove';
}

/** `ConvertTo-Json` writes an array that PowerShell wrapped as `{value, Count}`, and one of no element as null. */
const listOf = <T extends z.ZodType>(element: T) =>
  z.preprocess((given) => {
    if (given === null) return [];
    return typeof given === 'object' && 'value' in given && 'Count' in given ? given.value : given;
  }, z.array(element).max(10_000));

const words = z
  .string()
  .max(1_024)
  .nullish()
  .transform((text) => text ?? '');
const bits = z
  .int()
  .min(0)
  .max(0xffff_ffff)
  .nullish()
  .transform((value) => value ?? 0);
const count = bits;

/** Of MSFT_Printer, and WorkOffline of Win32_Printer. */
export const WindowsPrinter = z.object({
  Name: z.string().min(1).max(1_024),
  /** 0: of this PC. 1: a connection to another PC's. */
  Type: count,
  /** 1: prints things, not pages. */
  DeviceType: count,
  DriverName: words,
  PortName: words,
  Comment: words,
  Location: words,
  PrinterStatus: bits,
  WorkOffline: z
    .boolean()
    .nullish()
    .transform((value) => value ?? false),
});
export type WindowsPrinter = z.infer<typeof WindowsPrinter>;

/** Of MSFT_PrintJob. */
export const WindowsJob = z.object({
  Id: z.int().min(1).max(0xffff_ffff),
  DocumentName: words,
  JobStatus: bits,
  TotalPages: count,
  PagesPrinted: count,
});
export type WindowsJob = z.infer<typeof WindowsJob>;

const size = z.int().min(0).max(1_000_000);

/** Of System.Drawing.Printing.PrinterSettings; lengths in hundredths of an inch. */
export const WindowsAbilities = z.object({
  color: z.boolean(),
  duplex: z.boolean(),
  copies: z.int(),
  defaultColor: z.boolean(),
  defaultDuplex: z.int(),
  defaultPaper: z.int(),
  papers: listOf(z.object({ name: words, kind: z.int(), width: size, height: size })),
});
export type WindowsAbilities = z.infer<typeof WindowsAbilities>;

/** What each request is answered with. */
export const answers = {
  printers: z.object({ printers: listOf(WindowsPrinter) }),
  /** Null: there is no such printer. */
  abilities: z.object({ abilities: WindowsAbilities.nullable() }),
  /** Our own ones only, by their mark; a printer that is gone is not in the list. */
  jobs: z.object({ printers: listOf(WindowsPrinter.extend({ jobs: listOf(WindowsJob) })) }),
  change: z.object({ found: z.boolean() }),
  print: z.object({ pages: count, stopped: z.boolean(), job: WindowsJob.nullable() }),
  stop: z.object({}),
} as const;

export interface Requests {
  printers: object;
  abilities: { readonly printer: string };
  jobs: { readonly printers: readonly string[] };
  change: JobChange;
  print: PrintWish;
  /** The print of this id draws no further page. */
  stop: { readonly print: number };
}
export type RequestName = keyof Requests;
export type AnswerTo<Name extends RequestName> = z.infer<(typeof answers)[Name]>;

/** A fault by numbers. Which part failed is ours to know, not Windows'. */
export const WindowsFault = z.object({
  stage: z.enum(['request', 'printer', 'document', 'pages', 'printing']).catch('request'),
  /** ErrorCategory. */
  category: words,
  /** FullyQualifiedErrorId. */
  fault: words,
  hresult: z.int().catch(0),
  /** Of a Win32Exception. */
  native: z.int().catch(0),
  /** Drawn before. */
  pages: count,
});
export type WindowsFault = z.infer<typeof WindowsFault>;

const id = z.int().min(0);
const Progress = z.object({ id, page: z.int().min(0), of: z.int().min(0) });
export const Line = z.union([
  z.object({ ready: z.literal(1), version: words }),
  z.object({ id, error: WindowsFault }),
  Progress,
  z.object({ id, ok: z.unknown().refine((given) => given !== undefined) }),
]);
export type Line = z.infer<typeof Line>;

/** One request as a line. */
export function lineOf(request: object): string {
  const json = JSON.stringify(request);
  return `${json.replaceAll(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}

/** Undefined for what is none of ours: drivers and modules write to the same output. */
export function readLine(text: string): Line | undefined {
  try {
    return Line.safeParse(JSON.parse(text)).data;
  } catch {
    // No JSON.
    return undefined;
  }
}
