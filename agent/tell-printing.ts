/** What of printing is worth a notification on the desktop: the words for it. */
import type { ConfigStore } from '../config/config-store.ts';
import type { Clock } from './base/clock.ts';
import type { Log } from './base/log.ts';
import type { Scope } from './base/scope.ts';
import type { Notification } from './platform/notify-command.ts';
import { createNotifier } from './platform/notify.ts';
import type { JobAlert } from './printing/job-alert.ts';
import type { IdentifyEvent, PrintService } from './printing/print-service.ts';

interface TellDeps {
  readonly printing: Pick<PrintService, 'events'>;
  readonly config: ConfigStore;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
}

export function tellPrinting(scope: Scope, { printing, config, log, ...deps }: TellDeps): void {
  const isOn = (): boolean => config.current.notifications;
  const notifier = scope.use(createNotifier({ ...deps, isOn, log: log.child({ part: 'notify' }) }));
  scope.use(printing.events.on('alert', (alert) => notifier.show(ofAlert(alert))));
  scope.use(printing.events.on('identify', (event) => notifier.show(ofIdentify(event))));
}

const titles: Readonly<Record<JobAlert['kind'], string>> = {
  done: 'Printed',
  failed: 'Not printed',
  doubt: 'Printed or not?',
  attention: 'The printer waits for you',
};

function ofAlert({ kind, text }: JobAlert): Notification {
  return { title: titles[kind], text, urgent: kind !== 'done' };
}

function ofIdentify({ printer, from, message }: IdentifyEvent): Notification {
  const words = message.trim() === '' ? '' : ` They say: “${message.trim()}”`;
  return { title: 'Where is this printer?', text: `${from} looks for “${printer}”: it is here.${words}`, urgent: true };
}
