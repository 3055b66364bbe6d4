/**
 * The tray's icons, drawn by arithmetic: no picture files, the same at any size. A house (the neighbourhood) with three
 * joined dots in it (the net); the state is told by shape as well as by colour. Coordinates: 0 to 24 in both directions.
 */
import type { IconState } from '../menu-model.ts';

/** Red, green, blue, alpha: 0 to 255, not premultiplied. */
type Colour = readonly [number, number, number, number];
/** True inside. */
type Shape = (x: number, y: number) => boolean;

interface Layer {
  readonly shape: Shape;
  readonly colour: Colour;
}

export interface Bitmap {
  readonly size: number;
  /** RGBA, row by row from the top. */
  readonly pixels: Uint8Array;
}

const blue: Colour = [38, 118, 216, 255];
const grey: Colour = [128, 133, 140, 255];
const white: Colour = [255, 255, 255, 255];
const orange: Colour = [240, 130, 20, 255];

/** Samples along each side of a pixel, for smooth edges. */
const samples = 4;

export function drawIcon(state: IconState, size: number): Bitmap {
  const layers = layersOf(state);
  const pixels = new Uint8Array(size * size * 4);
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++)
      pixels.set(pixelAt(layers, [column, row], 24 / size), (row * size + column) * 4);
  return { size, pixels };
}

function layersOf(state: IconState): Layer[] {
  switch (state) {
    case 'normal':
      return [
        { shape: house, colour: blue },
        { shape: net, colour: white },
      ];
    case 'busy':
      return [
        { shape: house, colour: blue },
        { shape: net, colour: white },
        // A rim between badge and house, else both run into each other at 22 pixels.
        { shape: circle(18, 18, 6), colour: white },
        { shape: circle(18, 18, 5.2), colour: orange },
      ];
    case 'paused':
      return [
        { shape: house, colour: grey },
        { shape: either(box(7.7, 10, 10.7, 18.6), box(13.3, 10, 16.3, 18.6)), colour: white },
      ];
    case 'disconnected':
      return [
        { shape: house, colour: grey },
        { shape: either(line([8.4, 10.4], [15.6, 17.6], 1.3), line([15.6, 10.4], [8.4, 17.6], 1.3)), colour: white },
      ];
  }
}

/** Mean of the samples, weighted by their alpha. */
function pixelAt(layers: readonly Layer[], [column, row]: readonly [number, number], scale: number): Colour {
  const sum = [0, 0, 0, 0] as [number, number, number, number];
  for (let sample = 0; sample < samples * samples; sample++) {
    const x = (column + ((sample % samples) + 0.5) / samples) * scale;
    const y = (row + (Math.floor(sample / samples) + 0.5) / samples) * scale;
    const colour = layers.findLast((layer) => layer.shape(x, y))?.colour;
    if (colour === undefined) continue;
    for (const channel of [0, 1, 2] as const) sum[channel] += colour[channel];
    sum[3] += 1;
  }
  if (sum[3] === 0) return [0, 0, 0, 0];
  const mean = (value: number): number => Math.round(value / sum[3]);
  return [mean(sum[0]), mean(sum[1]), mean(sum[2]), Math.round((sum[3] / samples ** 2) * 255)];
}

/** A roof from eave to eave and walls below it, corners rounded by the thickness of the roof's line. */
const house: Shape = either(
  (x, y) => y >= 2.2 && y <= 12 && Math.abs(x - 12) <= (y - 1.2) * 0.98,
  line([12, 2.4], [1.9, 12.2], 1.5),
  line([12, 2.4], [22.1, 12.2], 1.5),
  roundedBox([3.8, 9, 20.2, 22.4], 1.6),
);

const net: Shape = either(
  line([12, 9.6], [8, 17.4], 0.75),
  line([12, 9.6], [16, 17.4], 0.75),
  line([8, 17.4], [16, 17.4], 0.75),
  circle(12, 9.6, 2.3),
  circle(8, 17.4, 2.3),
  circle(16, 17.4, 2.3),
);

function either(...shapes: readonly Shape[]): Shape {
  return (x, y) => shapes.some((shape) => shape(x, y));
}

function circle(centreX: number, centreY: number, radius: number): Shape {
  return (x, y) => Math.hypot(x - centreX, y - centreY) <= radius;
}

function box(left: number, top: number, right: number, bottom: number): Shape {
  return (x, y) => x >= left && x <= right && y >= top && y <= bottom;
}

function roundedBox([left, top, right, bottom]: readonly [number, number, number, number], radius: number): Shape {
  return (x, y) => {
    const outX = Math.max(left + radius - x, x - right + radius, 0);
    const outY = Math.max(top + radius - y, y - bottom + radius, 0);
    return Math.hypot(outX, outY) <= radius;
  };
}

/** A line with round ends; `half` is half its thickness. */
function line(from: readonly [number, number], to: readonly [number, number], half: number): Shape {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  return (x, y) => {
    const along = ((x - from[0]) * dx + (y - from[1]) * dy) / (dx * dx + dy * dy);
    const near = Math.min(1, Math.max(0, along));
    return Math.hypot(x - from[0] - near * dx, y - from[1] - near * dy) <= half;
  };
}
