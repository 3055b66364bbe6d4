import { describe, expect, test } from 'vitest';
import {
  attributes,
  boolean,
  collection,
  firstNumber,
  firstString,
  integer,
  keyword,
  mimeMediaType,
  octetString,
  resolution,
  stringsOf,
  text,
  type AttributeTable,
} from '../../agent/printing/ipp-attributes.ts';
import type { AttributeGroup } from '../../agent/printing/ipp-values.ts';
import type { Queue } from '../../agent/printing/print-backend.ts';
import { deviceId } from '../../agent/printing/printer-device-id.ts';
import { printerAttributes } from '../../agent/printing/printer-attributes.ts';
import { announcedInstance } from '../../agent/printing/printer-name.ts';
import type { Printer } from '../../agent/printing/printer.ts';
import { DeviceId, QueueName } from '../../protocol/ids.ts';
import { ScriptedBackend, ScriptedDevice, fastClock } from './scripted-device.ts';

const queue: Queue = {
  id: QueueName.parse('laser'),
  info: 'Laser',
  location: 'room 1',
  makeAndModel: 'Acme Laser 100',
  state: 'idle',
  stateReasons: [],
  accepting: true,
};

function said(table: AttributeTable, change: Partial<Queue> = {}): AttributeGroup {
  const described = attributes({ 'document-format-supported': mimeMediaType('application/pdf'), ...table });
  const printer: Printer = {
    id: queue.id,
    label: 'laser',
    queue: Object.assign({}, queue, change),
    backend: new ScriptedBackend(new ScriptedDevice(), { clock: fastClock() }),
    destination: { device: null, queue: queue.id },
    stateChanged: 5000,
    configChanged: 5000,
    describe: () => Promise.resolve(described),
  };
  const page = 'http://nh-a.local:6632/ipp/print/';
  const doors = [{ encrypted: false, authentication: 'none' }];
  const address = { authority: 'nh-a.local:6632', prefix: '/ipp/print/', encrypted: false, page, doors };
  const device = DeviceId.parse('a'.repeat(52));
  return printerAttributes(printer, described, address, {
    device,
    instanceName: 'L',
    started: 0,
    now: 9000,
    queuedJobs: 0,
  });
}

describe('what a printer says', () => {
  test('is what its destination says, where that says it', () => {
    const printer = said({
      'print-scaling-supported': keyword('fit', 'none'),
      'media-type-supported': keyword('stationery', 'labels'),
      'pages-per-minute': integer(30),
      'color-supported': boolean(true),
      'printer-organization': text('Acme'),
      'page-ranges-supported': boolean(true),
    });
    expect(stringsOf(printer, 'media-type-supported')).toEqual(['stationery', 'labels']);
    expect(firstString(printer, 'print-scaling-default')).toBe('fit');
    expect(firstNumber(printer, 'pages-per-minute-color')).toBe(30);
    expect(firstString(printer, 'printer-organization')).toBe('Acme');
    expect(printer.get('page-ranges-supported')).toEqual(boolean(true));
  });

  test('of raster: its resolutions and colours, and that it is an IPP Everywhere printer', () => {
    const raster = { 'document-format-supported': mimeMediaType('image/pwg-raster', 'image/urf') };
    const printer = said({
      ...raster,
      'printer-resolution-supported': [...resolution(300, 600), { tag: 'resolution', x: 600, y: 1200, unit: 'dpi' }],
      'color-supported': boolean(true),
      'sides-supported': keyword('one-sided', 'two-sided-long-edge'),
    });
    expect(printer.get('pwg-raster-document-resolution-supported')).toEqual(resolution(300, 600));
    expect(stringsOf(printer, 'pwg-raster-document-type-supported')).toEqual(['black_1', 'sgray_8', 'srgb_8']);
    expect(stringsOf(printer, 'urf-supported')).toEqual(['V1.4', 'CP1', 'W8', 'SRGB24', 'RS300-600', 'DM1']);
    expect(stringsOf(printer, 'ipp-features-supported')).toEqual(['ipp-everywhere']);
    expect(said({}).has('urf-supported')).toBe(false);
  });

  test('of supplies: levels and names as the queue has them, none made up', () => {
    const printer = said(
      {},
      {
        supplies: [
          { name: 'Black Toner', level: 40 },
          { name: 'Drum', level: null },
        ],
      },
    );
    const octets = (printer.get('printer-supply') ?? []).map((value) =>
      value.tag === 'octetString' ? Buffer.from(value.value).toString() : '',
    );
    expect(octets[0]).toContain('maxcapacity=100;level=40;');
    expect(octets[1]).toContain('maxcapacity=-2;level=-2;');
    expect(stringsOf(printer, 'printer-supply-description')).toEqual(['Black Toner', 'Drum']);
    const own = { 'printer-supply': octetString('index=1;'), 'printer-supply-description': text('Ink') };
    expect(stringsOf(said(own), 'printer-supply-description')).toEqual(['Ink']);
  });

  test('has words for keywords, in collections too', () => {
    const media = collection({ 'media-source': keyword('0'), 'media-type': keyword('stationery') });
    const printer = said({ 'media-col-ready': media, 'media-source-supported': keyword('0') });
    expect(printer.get('media-col-ready')).toEqual(collection({ 'media-type': keyword('stationery') }));
    expect(stringsOf(printer, 'media-source-supported')).toEqual(['auto']);
  });

  test('names as settable what a job may have', () => {
    const names = stringsOf(said({ 'number-up-supported': integer(1, 2) }), 'job-creation-attributes-supported');
    expect(names).toEqual(expect.arrayContaining(['number-up', 'copies', 'job-hold-until', 'compression', 'job-name']));
    expect(names).not.toContain('printer-name');
  });
});

describe('the IEEE 1284 device ID', () => {
  test.each([
    ['MFG:HP;MDL:LaserJet 4;CMD:PS;', 'x', 'MFG:HP;MDL:LaserJet 4;CMD:PS;'],
    [undefined, 'Acme Laser 100', 'MFG:Acme;MDL:Laser 100;CMD:PDF;'],
    [undefined, 'Acme', 'MFG:Acme;MDL:Acme;CMD:PDF;'],
    [undefined, '', 'MFG:Unknown;MDL:Unknown;CMD:PDF;'],
    ['nonsense', 'A;B\nC', 'MFG:A;MDL:B C;CMD:PDF;'],
  ])('%j of %j: %s', (told, model, wanted) => {
    expect(deviceId(told, model, ['application/pdf'])).toBe(wanted);
  });
});

const deviceName = () => 'berta';

test('the instance is the one that DNS-SD announces in fact', () => {
  const names = { host: () => 'x', instance: (wanted: string) => `${wanted} (2)` };
  expect(announcedInstance({ id: 'laser', queue: { info: 'Laser' } }, { names, deviceName })).toBe('Laser (berta) (2)');
  expect(announcedInstance({ id: 'laser', queue: { info: ' ' } }, { names, deviceName })).toBe('laser (berta) (2)');
});
