/** Where CUPS listens, as any of its clients finds out (cups client.conf(5), CUPS_SERVER). */
import { stat } from 'node:fs/promises';
import type { IppTarget } from '../printing/ipp-client.ts';
import { localLimits } from '../printing/ipp-decoder.ts';

const usualSockets = ['/run/cups/cups.sock', '/var/run/cups/cups.sock', '/private/var/run/cupsd'];
const ippPort = 631;

/** Looked for anew each time: the print system may be installed or started later. */
export async function cupsTarget(server: string | undefined): Promise<IppTarget> {
  if (server !== undefined && server !== '') return server.startsWith('/') ? socketTarget(server) : tcpTarget(server);
  for (const path of usualSockets) if (await isSocket(path)) return socketTarget(path);
  return tcpTarget('localhost');
}

function socketTarget(socketPath: string): IppTarget {
  return { transport: { socketPath }, path: '/', what: `The print system at ${socketPath}`, limits: localLimits };
}

/** `host`, `host:port`, `[address]:port`, each perhaps followed by `/version=1.1`. */
function tcpTarget(server: string): IppTarget {
  const [place = ''] = server.split('/');
  const { bracketed, plain, port } =
    /^(?:\[(?<bracketed>.*)\]|(?<plain>.*?))(?::(?<port>\d{1,5}))?$/.exec(place)?.groups ?? {};
  const transport = { host: bracketed ?? plain ?? place, port: Number(port ?? ippPort) };
  return { transport, path: '/', what: `The print system at ${place}`, limits: localLimits };
}

async function isSocket(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isSocket();
  } catch {
    // Missing or not for us to see: no print system there, the next place is asked.
    return false;
  }
}
