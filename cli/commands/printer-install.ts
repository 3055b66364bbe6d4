import { errorTable } from '../../protocol/errors.ts';
import type { Command } from '../command.ts';
import type { Output } from '../output.ts';

export const printerInstall: Command = {
  words: [1, 1],
  details:
    'Every program of this PC then prints on it; jobs wait here while the neighbour is away. Only you can print on it.',
  async run({ args, client, out }) {
    const made = await (await client()).call('printer-install', { name: args.word(0) });
    const { queue, printer, command } = made;
    out.result(made, () => {
      if (command === null) out.say(`The printer ${printer} is installed as "${queue}".`);
      else byHand(out, `You may not add printers to this PC; "${queue}" is added by:`, command);
    });
    return command === null ? 0 : errorTable['not-permitted'].exit;
  },
};

export const printerUninstall: Command = {
  words: [1, 1],
  details: 'The name of the local print queue does as well.',
  async run({ args, client, out }) {
    const gone = await (await client()).call('printer-uninstall', { name: args.word(0) });
    const { queue, printer, command } = gone;
    out.result(gone, () => {
      if (command === null) out.say(`The printer ${printer} is no longer installed; "${queue}" is gone.`);
      else byHand(out, `Nothing prints on "${queue}" any more; you may not remove it, this does:`, command);
    });
    return command === null ? 0 : errorTable['not-permitted'].exit;
  },
};

function byHand(out: Output, sentence: string, command: string): void {
  out.say(sentence);
  out.say(`  ${command}`);
}
