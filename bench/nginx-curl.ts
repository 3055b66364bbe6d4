/** What a user would take instead: a file over HTTPS (TLS 1.3) from nginx, fetched by curl. */
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { freePort, missingOf, Service, timed, untilUp } from './command.ts';
import type { Mover } from './mover.ts';

export async function openNginxCurl(file: string, folder: string): Promise<Mover | string> {
  const missing = await missingOf('nginx', 'curl', 'openssl');
  if (missing !== undefined) return missing;
  await mkdir(folder);
  const { key, certificate } = await makeCertificate(folder);
  const port = await freePort();
  const configuration = join(folder, 'nginx.conf');
  await writeFile(configuration, nginxConfiguration({ folder, port, key, certificate, root: dirname(file) }));
  const service = new Service('nginx', ['-e', 'stderr', '-p', folder, '-c', configuration]);
  const url = `https://127.0.0.1:${port}/${basename(file)}`;
  await untilUp(service, async () => timed('curl', ['-skI', '-o', '/dev/null', url]));
  return {
    name: 'nginx TLS 1.3 + curl',
    move: async (target) => {
      const { seconds } = await timed('curl', ['--silent', '--show-error', '--fail', '--insecure', '-o', target, url]);
      return { seconds };
    },
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}

/** Self-signed, of the curve that agents use. */
export async function makeCertificate(folder: string): Promise<{ key: string; certificate: string }> {
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  await timed('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', certificate, '-days', '2', ...names]);
  return { key, certificate };
}

interface NginxOptions {
  readonly folder: string;
  readonly port: number;
  readonly key: string;
  readonly certificate: string;
  readonly root: string;
}

function nginxConfiguration({ folder, port, key, certificate, root }: NginxOptions): string {
  return `${nginxPreamble(folder)}
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${certificate};
    ssl_certificate_key ${key};
    ssl_protocols TLSv1.3;
    root ${root};
  }
}
`;
}

/** As Debian ships it where that matters for speed: sendfile, one worker a core. Up to the servers of its open `http` block. */
export function nginxPreamble(folder: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  return `${user}
daemon off;
worker_processes auto;
pid ${folder}/nginx.pid;
error_log stderr error;
events {}
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}`;
}
