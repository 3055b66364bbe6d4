/** Each state's icon in the form that the helper takes: base64 of a PNG, on Windows of an ICO. */
import type { IconState } from '../menu-model.ts';
import { drawIcon } from './drawing.ts';
import { encodeIco } from './ico.ts';
import { encodePng } from './png.ts';

/** Twice the panel's usual 24: exact halving there, sharp on dense screens. */
const pngSize = 48;
const icoSizes = [16, 24, 32, 48];

export type Icons = Readonly<Record<IconState, string>>;

export function makeIcons(platform: NodeJS.Platform): Icons {
  const encode = (state: IconState): string =>
    (platform === 'win32'
      ? encodeIco(icoSizes.map((size) => drawIcon(state, size)))
      : encodePng(drawIcon(state, pngSize))
    ).toString('base64');
  return {
    normal: encode('normal'),
    paused: encode('paused'),
    busy: encode('busy'),
    disconnected: encode('disconnected'),
  };
}
