/**
 * Queues of CUPS that lead to the gateway, made by CUPS' own operations over its socket: the secret in a device URI never
 * stands in a command line, where every user of the PC could read it. CUPS makes the driver ("everywhere") from what
 * the gateway says; it says so when it has begun, not when it is done, so the driver is looked for.
 */
import { request as httpRequest } from 'node:http';
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import { sleep, type Clock } from '../base/clock.ts';
import {
  boolean,
  enumeration,
  firstString,
  groupOf,
  groupsOf,
  group,
  keyword,
  name,
  requestOf,
  stringsOf,
  text,
  uri,
  type AttributeTable,
} from '../printing/ipp-attributes.ts';
import { askIpp, type IppTarget } from '../printing/ipp-client.ts';
import { encodeIpp } from '../printing/ipp-encoder.ts';
import { printerStates } from '../printing/ipp-tables.ts';
import type { IppRequest } from '../printing/ipp-values.ts';
import type { NewQueue, PrinterInstaller } from '../printing/printer-installer.ts';
import { orUnavailable } from './cups-client.ts';
import { cupsTarget } from './cups-server.ts';
import { shellWord } from './shell-word.ts';

interface CupsInstallerDeps {
  /** CUPS_SERVER is read from it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of this process, as CUPS knows it. */
  readonly user: string;
  readonly clock: Clock;
}

/** cupsd waits up to 30 s for the printer's answer. */
const driverMs = 40_000;
const lookEveryMs = 200;
/** Where users prove who they are before they print (cupsd.conf(5)): without it, whose job it is would be a claim. */
const provenPolicy = 'authenticated';

export class CupsInstaller implements PrinterInstaller {
  readonly #deps: CupsInstallerDeps;

  constructor(deps: CupsInstallerDeps) {
    this.#deps = deps;
  }

  async names(signal: AbortSignal): Promise<readonly string[]> {
    const request = requestOf('CUPS-Get-Printers', { 'requested-attributes': keyword('printer-name') });
    const response = await this.#ask(request, '/', signal).catch((error: unknown) => {
      // What CUPS answers where it has no queue at all.
      if (hasCode(error, 'not-found')) return undefined;
      return orUnavailable(error);
    });
    const printers = response === undefined ? [] : groupsOf(response, 'printer');
    return printers.flatMap((printer) => firstString(printer, 'printer-name') ?? []);
  }

  async add(queue: NewQueue, signal: AbortSignal): Promise<void> {
    const target = await this.#target('/');
    if (!isHere(target))
      throw new NethoodError('unavailable', `${target.what} is on another PC; a queue there cannot lead here.`);
    // Without the secret at first: cupsd writes the URI that it makes a driver from into its log.
    await this.#administer(modify(queue, { ...closed(queue), ...driver }), signal);
    try {
      await this.#waitForDriver(queue, signal);
      const policy = await this.#policy(queue.name, target, signal);
      await this.#administer(modify(queue, { ...policy, ...open(queue) }), signal);
    } catch (error) {
      // The asker may be gone; the half-made queue must go all the same.
      await this.remove(queue.name, AbortSignal.timeout(10_000));
      throw error;
    }
  }

  async leadsTo(queue: string, signal: AbortSignal): Promise<string | undefined> {
    return (await this.#attributes(queue, 'device-uri', signal))?.[0];
  }

  async redirect(queue: NewQueue, signal: AbortSignal): Promise<void> {
    await this.#administer(modify(queue, { 'device-uri': uri(queue.secretUri) }), signal);
  }

  async remove(queue: string, signal: AbortSignal): Promise<void> {
    const request = requestOf('CUPS-Delete-Printer', { 'printer-uri': uri(printerUri(queue)) });
    await this.#administer(request, signal).catch((error: unknown) => {
      if (!hasCode(error, 'not-found')) throw error;
    });
  }

  async commandToAdd(queue: NewQueue, save: (request: Uint8Array) => Promise<string>): Promise<string> {
    const request = modify(queue, { ...closed(queue), ...driver, ...open(queue) });
    const file = await save(encodeIpp(request));
    const { transport } = await this.#target('/');
    const post = ['-sSf', '-o', '/dev/null', '-H', 'Content-Type: application/ipp', '--data-binary', `@${file}`];
    const words =
      'socketPath' in transport
        ? ['sudo', 'curl', ...post, '-H', 'Authorization: PeerCred root', '--unix-socket', transport.socketPath]
        : ['curl', ...post, '--user', 'root'];
    const host = 'port' in transport ? `${transport.host}:${transport.port}` : 'localhost';
    return [...words, `http://${host}/admin/`].map(shellWord).join(' ');
  }

  commandToRemove(queue: string): Promise<string> {
    return Promise.resolve(['sudo', 'lpadmin', '-x', queue].map(shellWord).join(' '));
  }

  /** Users prove themselves by the socket without being asked; over TCP they would have to type a password. */
  async #policy(queue: string, target: IppTarget, signal: AbortSignal): Promise<AttributeTable> {
    if (!('socketPath' in target.transport)) return {};
    const known = (await this.#attributes(queue, 'printer-op-policy-supported', signal)) ?? [];
    return known.includes(provenPolicy) ? { 'printer-op-policy': name(provenPolicy) } : {};
  }

  async #waitForDriver(queue: NewQueue, signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    const deadline = clock.now() + driverMs;
    while (!(await this.#hasDriver(queue.name, signal))) {
      if (clock.now() > deadline)
        throw new NethoodError(
          'unavailable',
          `The print system could not make a driver for "${queue.info}"; its error log may say why.`,
        );
      await sleep(clock, lookEveryMs, signal);
    }
  }

  /** cupsd gives a queue's PPD to whoever asks. */
  async #hasDriver(queue: string, signal: AbortSignal): Promise<boolean> {
    const { transport } = await this.#target('/');
    if ('agent' in transport) return false;
    return new Promise((resolve, reject) => {
      const asked = httpRequest({ ...transport, agent: false, path: `/printers/${queue}.ppd`, signal }, (answer) => {
        answer.resume();
        answer.once('end', () => resolve(answer.statusCode === 200));
        answer.once('error', reject);
      });
      asked.once('error', reject).end();
    });
  }

  async #attributes(queue: string, attribute: string, signal: AbortSignal): Promise<string[] | undefined> {
    const request = requestOf('Get-Printer-Attributes', {
      'printer-uri': uri(printerUri(queue)),
      'requested-attributes': keyword(attribute),
    });
    try {
      return stringsOf(groupOf(await this.#ask(request, '/', signal), 'printer'), attribute);
    } catch (error) {
      if (hasCode(error, 'not-found')) return undefined;
      return orUnavailable(error);
    }
  }

  /** Whoever may: where CUPS wants to know who asks, the socket proves it (SO_PEERCRED). */
  async #administer(request: IppRequest, signal: AbortSignal): Promise<void> {
    const { user } = this.#deps;
    const target = await this.#target('/admin/');
    await askIpp(target, request, { signal }).catch(async (error: unknown) => {
      if (!hasCode(error, 'not-permitted') || !('socketPath' in target.transport)) return orUnavailable(error);
      await askIpp({ ...target, authorization: `PeerCred ${user}` }, request, { signal }).catch(orUnavailable);
    });
  }

  async #ask(request: IppRequest, path: string, signal: AbortSignal): ReturnType<typeof askIpp> {
    return askIpp(await this.#target(path), request, { signal });
  }

  async #target(path: string): Promise<IppTarget> {
    return { ...(await cupsTarget(this.#deps.env['CUPS_SERVER'])), path };
  }
}

function printerUri(queue: string): string {
  return `ipp://localhost/printers/${encodeURIComponent(queue)}`;
}

function modify(queue: NewQueue, table: AttributeTable): IppRequest {
  return requestOf('CUPS-Add-Modify-Printer', { 'printer-uri': uri(printerUri(queue.name)) }, group('printer', table));
}

const driver = { 'ppd-name': name('everywhere') };

/** As it is while CUPS makes its driver: nobody prints on it yet. */
function closed(queue: NewQueue): AttributeTable {
  return {
    'device-uri': uri(queue.uri),
    'printer-info': text(queue.info),
    'printer-location': text(queue.location),
    'printer-is-shared': boolean(false),
    'printer-is-accepting-jobs': boolean(false),
    'requesting-user-name-allowed': name(queue.user),
    // The agent may not run, or be told to stop: the job waits, it is never given up.
    'printer-error-policy': name('retry-current-job'),
  };
}

function open(queue: NewQueue): AttributeTable {
  return {
    'device-uri': uri(queue.secretUri),
    'printer-is-accepting-jobs': boolean(true),
    'printer-state': enumeration(printerStates.idle),
  };
}

/** The gateway is on loopback. */
function isHere({ transport }: IppTarget): boolean {
  if (!('port' in transport)) return true;
  return /^(?:localhost|127(?:\.\d+){3}|::1)$/i.test(transport.host);
}
