import type { Command } from '../command.ts';

export const pause: Command = {
  words: [0, 0],
  details: 'What is shared stays written down, and comes back with `nethood resume`.',
  async run({ client, out }) {
    await (await client()).call('pause', {});
    out.result({ paused: true }, () => out.say('Sharing is paused: nobody sees a folder or printer of this device.'));
  },
};

export const resume: Command = {
  words: [0, 0],
  async run({ client, out }) {
    await (await client()).call('resume', {});
    out.result({ paused: false }, () => out.say('Sharing goes on.'));
  },
};
