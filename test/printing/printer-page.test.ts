import { ServerResponse, IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { answerPage } from '../../agent/printing/printer-page.ts';
import type { Printer } from '../../agent/printing/printer.ts';
import type { Spool } from '../../agent/printing/spool.ts';
import { QueueName } from '../../protocol/ids.ts';
import { guest } from './print-support.ts';
import { ScriptedBackend, ScriptedDevice, fastClock } from './scripted-device.ts';

test('what a print system calls its printer is words, never markup', async () => {
  const id = QueueName.parse('laser');
  const backend = new ScriptedBackend(new ScriptedDevice(), { clock: fastClock() });
  const evil = '<script>alert("x")</script>&\'';
  const [queue] = await backend.list();
  if (queue === undefined) expect.fail('The scripted print system has no queue.');
  const words = { info: evil, location: evil, makeAndModel: evil, supplies: [{ name: evil, level: 7 }] };
  const printer: Printer = {
    id,
    label: id,
    queue: Object.assign({}, queue, words),
    backend,
    destination: { device: null, queue: id },
    stateChanged: 0,
    configChanged: 0,
    describe: () => backend.describe(),
  };
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  const sent: Buffer[] = [];
  response.end = ((chunk: Buffer) => sent.push(chunk)) as never;
  answerPage(
    {
      findPrinter: () => printer,
      deviceName: () => evil,
      spool: { active: () => [] } as Pick<Spool, 'active'> as Spool,
    },
    { asker: guest, address: '', path: 'laser', request, response, signal: new AbortController().signal },
  );
  const html = Buffer.concat(sent).toString();
  expect(html).not.toContain('<script');
  expect(html.match(/&lt;script&gt;alert\(&quot;x&quot;\)&lt;\/script&gt;&amp;&#39;/g)).toHaveLength(6);
  expect(html).toContain('7 %');
});
