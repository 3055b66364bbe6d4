/**
 * Neighbours that ask for a file and stop reading: `slow-readers.js <count> <address> <port> <path>`. Each has a key of
 * its own. Says `{"held": n}` when n of them have got their first bytes, and holds them until its stdin ends.
 */
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect, type TLSSocket } from 'node:tls';
import { generateKeyPairSync } from 'node:crypto';
import { makeCertificate } from '../../agent/trust/certificate.ts';

const [count = '', address = '', port = '', path = ''] = process.argv.slice(2);

async function dial(): Promise<TLSSocket> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const socket = connect({
    host: address,
    port: Number(port),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    cert: makeCertificate({ key: privateKey, hostNames: ['nh-slow.local'], now: Date.now() }),
    minVersion: 'TLSv1.3',
    // Who is there is not the question here.
    rejectUnauthorized: false,
  });
  await once(socket, 'secureConnect');
  return socket;
}

async function ask(): Promise<IncomingMessage> {
  const socket = await dial();
  const sent = request({ createConnection: () => socket, path, headers: { host: `${address}:${port}` } });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`HTTP ${String(response.statusCode)}`);
  await once(response, 'readable');
  response.read(1);
  // What nobody reads stays where it is, up to the sender.
  return response;
}

const held: IncomingMessage[] = [];
for (let at = 0; at < Number(count); at++) held.push(await ask());
process.stdout.write(`${JSON.stringify({ held: held.length })}\n`);
process.stdin.resume();
await once(process.stdin, 'end');
for (const response of held) response.destroy();
