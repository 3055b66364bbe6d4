/**
 * bonjour-service as a stranger on the LAN: `bonjour-counterpart.js browse` tells each `_nethood._tcp` instance that
 * comes (`up`) and goes (`down`) as JSON lines; `… publish <name> <port> <id>` announces one. SIGTERM says goodbye.
 */
import { Bonjour, type Service } from 'bonjour-service';

const [what, name = '', port = '0', id = ''] = process.argv.slice(2);
const tell = (line: object): void => void process.stdout.write(`${JSON.stringify({ ...line, at: Date.now() })}\n`);
const bonjour = new Bonjour({}, (error: Error) => tell({ error: error.message }));

if (what === 'publish') {
  const txt = { id, v: '1', name };
  bonjour.publish({ name, type: 'nethood', port: Number(port), txt, host: `${id.slice(0, 8)}.local` });
} else {
  const browser = bonjour.find({ type: 'nethood' });
  browser.on('up', (service: Service) => tell({ up: seen(service) }));
  browser.on('down', (service: Service) => tell({ down: seen(service) }));
}
process.once('SIGTERM', () => bonjour.unpublishAll(() => bonjour.destroy(() => process.exit(0))));

function seen({ fqdn, port: found, txt, addresses }: Service): object {
  return { fqdn, port: found, txt, addresses };
}
