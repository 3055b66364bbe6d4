/** The part of the menu about what is moving: transfers, and documents that this user prints. */
import type { JobView, Snapshot, TransferState, TransferView } from '../protocol/control.ts';
import { finalJobStates, type JobState } from '../protocol/resources.ts';
import { askButton, folderButton, label, optional, slots, submenu, type MenuItem } from './menu-model.ts';
import { bytesText, cleanText, reasonsText } from './menu-text.ts';

const activitySlots = 8;
const activityActions = 3;

export function activitySection(snapshot: Snapshot | undefined): MenuItem[] {
  const transfers = snapshot?.transfers ?? [];
  const items = [
    ...transfers.filter(isUnderWay).map(transferItem),
    ...(snapshot?.jobs ?? []).filter(isOpenJob).map(jobItem),
    // The newest of those that ended come first: somebody may want to see what arrived.
    ...transfers
      .filter((transfer) => !isUnderWay(transfer) && transfer.state !== 'cancelled')
      .toReversed()
      .map(transferItem),
  ];
  return [
    optional(items.length === 0 ? undefined : label('Transfers and print jobs')),
    ...slots(items, activitySlots, activityActions),
  ];
}

/** True while bytes move or paper does; a job that waits for an absent neighbour is not busy. */
export function isBusy(snapshot: Snapshot): boolean {
  return (
    snapshot.transfers.some((transfer) => transfer.state === 'running') ||
    snapshot.jobs.some((job) => job.own && job.state === 'processing')
  );
}

function isUnderWay(transfer: TransferView): boolean {
  return transfer.state === 'running' || transfer.state === 'waiting';
}

function isOpenJob(job: JobView): boolean {
  return job.own && !finalJobStates.includes(job.state);
}

function transferItem(transfer: TransferView): MenuItem {
  const arrow = transfer.direction === 'get' ? '↓' : '↑';
  const failed = transfer.error === null ? undefined : label(cleanText(transfer.error.message, 100));
  const cancel = isUnderWay(transfer)
    ? askButton('Cancel', { kind: 'transfer-cancel', transfer: transfer.id })
    : undefined;
  const shown = transfer.state === 'done' && transfer.direction === 'get';
  const show = shown
    ? folderButton('Show in folder', { kind: 'show-in-folder', path: transfer.destination })
    : undefined;
  return submenu(`${arrow} ${cleanText(transfer.source)}: ${progressText(transfer)}`, [
    optional(failed),
    optional(show),
    optional(cancel),
  ]);
}

function progressText(transfer: TransferView): string {
  const texts: Record<TransferState, () => string> = {
    running: () => `${amountText(transfer)}, ${bytesText(transfer.rate)}/s`,
    waiting: () => `${amountText(transfer)}, waits for the neighbour`,
    done: () => `done, ${bytesText(transfer.bytes)}`,
    failed: () => 'failed',
    cancelled: () => 'cancelled',
  };
  return texts[transfer.state]();
}

function amountText({ bytes, bytesTotal }: TransferView): string {
  if (bytesTotal === null || bytesTotal === 0) return bytesText(bytes);
  return `${Math.min(100, Math.floor((bytes / bytesTotal) * 100))} %`;
}

function jobItem(job: JobView): MenuItem {
  const why = job.message ?? reasonsText(job.stateReasons);
  return submenu(`⎙ ${cleanText(job.name)} on ${cleanText(job.printer)}: ${jobText(job.state)}${pagesText(job)}`, [
    optional(why === '' ? undefined : label(cleanText(why, 100))),
    optional(holdButton(job)),
    askButton('Cancel', { kind: 'job-cancel', job: job.id }),
  ]);
}

function holdButton({ id, state }: JobView): MenuItem | undefined {
  if (state === 'pending-held') return askButton('Print it now', { kind: 'job-release', job: id });
  return state === 'pending' ? askButton('Hold', { kind: 'job-hold', job: id }) : undefined;
}

function pagesText({ state, pages, pagesTotal }: JobView): string {
  if (pages === null || pages === 0 || !state.startsWith('processing')) return '';
  return pagesTotal === null ? `, page ${pages}` : `, page ${pages} of ${pagesTotal}`;
}

function jobText(state: JobState): string {
  const texts: Record<JobState, string> = {
    pending: 'waiting',
    'pending-held': 'held',
    processing: 'printing',
    'processing-stopped': 'printer stopped',
    canceled: 'cancelled',
    aborted: 'failed',
    completed: 'done',
  };
  return texts[state];
}
