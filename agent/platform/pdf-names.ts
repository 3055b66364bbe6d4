/** Names for documents in a folder that people look into, from whatever a job is called. */
import { cutToBytes } from '../printing/printer-name.ts';

const forbidden = /[<>:"/\\|?*\p{Cc}\u202a-\u202e\u2066-\u2069\ufeff]/gu;
/** Windows takes these for devices, with any extension. */
const reserved = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;
const mostBytes = 120;

const extensions: Readonly<Record<string, string>> = {
  'application/pdf': '.pdf',
  'image/jpeg': '.jpg',
  'text/plain': '.txt',
};

/** `Report.pdf`, `Report (2).pdf` …: the first is to be taken if it is free. */
export function* documentNames(jobName: string, format: string): Generator<string, never, undefined> {
  const extension = extensions[format] ?? '.bin';
  const stem = safeStem(jobName, extension);
  yield `${stem}${extension}`;
  for (let number = 2; ; number++) yield `${stem} (${number})${extension}`;
}

function safeStem(jobName: string, extension: string): string {
  const given = jobName.toLowerCase().endsWith(extension) ? jobName.slice(0, -extension.length) : jobName;
  const clean = given
    .replaceAll(forbidden, '_')
    .replace(/^[.\s]+/, '')
    .replace(/[.\s]+$/, '');
  const short = cutToBytes(clean, mostBytes);
  if (short === '') return 'Document';
  return reserved.test(short) ? `_${short}` : short;
}
