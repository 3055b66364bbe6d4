/**
 * The heartbeat of a session, as a function of silence (milliseconds since the last message). The smaller DeviceId
 * pings after 5 s and again 4.5 s later; the other side, which hears those pings, speaks up only where the second is
 * due. Both take 14 s of silence for death.
 */
import { deadlines } from '../../protocol/peer.ts';

export interface Heartbeat {
  readonly pinger: boolean;
  readonly heardAt: number;
  /** Rounds begun since then. */
  readonly rounds: number;
  readonly doubtedAt: number;
}

const deadAfter = deadlines.pingAfter + deadlines.missedPings * deadlines.pingAnswer;
/** A timer that comes so much too late says that this process did not run (SIGSTOP, sleep, a blocked loop). */
const lateMs = 1_000;
/** Where there is reason to think that the other side is not there any more, it gets so long to say a word; */
const doubtMs = 3_000;
/** and so often it is asked, however often there is such reason. */
const doubtEveryMs = 10_000;

export function beginHeartbeat(pinger: boolean, now: number): Heartbeat {
  return heard({ pinger, heardAt: now, rounds: 0, doubtedAt: -Infinity }, now);
}

export function heard(heartbeat: Heartbeat, now: number): Heartbeat {
  return { ...heartbeat, heardAt: now, rounds: heartbeat.pinger ? 0 : 1 };
}

/** When to look again. */
export function heartbeatDue({ heardAt, rounds }: Heartbeat): number {
  return heardAt + (rounds < deadlines.missedPings ? roundAt(rounds) : deadAfter);
}

export function beat(heartbeat: Heartbeat, now: number): { heartbeat: Heartbeat; act: 'ping' | 'dead' | 'wait' } {
  const silence = now - heartbeat.heardAt;
  if (silence >= deadAfter) return { heartbeat, act: 'dead' };
  if (now < heartbeatDue(heartbeat)) return { heartbeat, act: 'wait' };
  const rounds = silence >= roundAt(1) ? 2 : heartbeat.rounds + 1;
  return { heartbeat: { ...heartbeat, rounds }, act: 'ping' };
}

/** After a sleep the silence starts again at its first ping, sent by either side: what lies unread in the socket comes first. */
export function woken(heartbeat: Heartbeat, now: number): Heartbeat {
  return { ...heartbeat, heardAt: now - deadlines.pingAfter, rounds: 1 };
}

/** A rumour says that it is elsewhere. That alone ends nothing: it is asked, once, and ends by its own silence. */
export function doubted(heartbeat: Heartbeat, now: number): Heartbeat {
  if (now - heartbeat.doubtedAt < doubtEveryMs) return heartbeat;
  const heardAt = Math.min(heartbeat.heardAt, now - deadAfter + doubtMs);
  return { ...heartbeat, heardAt, rounds: deadlines.missedPings, doubtedAt: now };
}

/** How long we did not run: time that counts for no deadline, because nothing could be read meanwhile. */
export function sleptMs(due: number, now: number): number {
  return now - due > lateMs ? now - due : 0;
}

function roundAt(round: number): number {
  return deadlines.pingAfter + round * deadlines.pingAnswer;
}
