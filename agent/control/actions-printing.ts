/** Calls about printers and jobs. */
import type { ActionDeps, ControlCalls } from './control-actions.ts';
import { resolveAudience } from './audience.ts';

type PrintingCalls = Pick<
  ControlCalls,
  | 'printer-share'
  | 'printer-unshare'
  | 'printer-install'
  | 'printer-uninstall'
  | 'job-cancel'
  | 'job-hold'
  | 'job-release'
  | 'accounting'
>;

export function printingCalls({ printing, neighbours }: Pick<ActionDeps, 'printing' | 'neighbours'>): PrintingCalls {
  return {
    async 'printer-share'({ name, audience }) {
      return printing.share(name, resolveAudience(audience ?? 'everyone', neighbours));
    },
    'printer-unshare': ({ name }) => printing.unshare(name),
    'printer-install': ({ name }, signal) => printing.install(name, signal),
    'printer-uninstall': ({ name }, signal) => printing.uninstall(name, signal),
    'job-cancel': ({ id }) => printing.cancel(id),
    'job-hold': ({ id }) => printing.hold(id),
    'job-release': ({ id }) => printing.release(id),
    accounting: async (query) => ({ lines: [...(await printing.accounting(query))] }),
  };
}
