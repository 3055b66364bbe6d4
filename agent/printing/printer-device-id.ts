/** IEEE 1284 device ID of a printer whose driver does not tell one (PWG 5107.2): maker, model and what it understands. */
import { cutToBytes } from './printer-name.ts';

/** The names under which drivers know the formats. */
const commandSets: Readonly<Record<string, string>> = {
  'application/pdf': 'PDF',
  'image/jpeg': 'JPEG',
  'image/pwg-raster': 'PWGRaster',
  'image/urf': 'URF',
  'text/plain': 'TXT',
};

const wellFormed = /^(?:[-A-Za-z ]+:[^;]*;)+$/;

/** @param told by the destination, where it tells one */
export function deviceId(told: string | undefined, makeAndModel: string, formats: readonly string[]): string {
  if (told !== undefined && wellFormed.test(told)) return told;
  const words = makeAndModel.replaceAll(/[;\p{Cc}]/gu, ' ').trim() || 'Unknown';
  const [maker = words, ...model] = words.split(/\s+/);
  const commands = formats.flatMap((format) => commandSets[format] ?? []);
  return `MFG:${cutToBytes(maker, 60)};MDL:${cutToBytes(model.join(' ') || maker, 120)};CMD:${commands.join(',')};`;
}
