/** What needs a person, one sentence a part and matter; gone when it is mended. */
import type { NoticeView } from '../../protocol/control.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import { Emitter } from '../base/emitter.ts';

const most = 50;

export class NoticeBoard {
  readonly events = new Emitter<{ changed: [] }>();
  readonly #notices = new Map<string, NoticeView>();

  /** A later one of the same part and matter takes the place of the earlier. */
  raise(part: string, code: ErrorCode, message: string): void {
    const before = this.#notices.get(`${part} ${code}`);
    if (before?.message === message) return;
    if (before === undefined && this.#notices.size >= most) return;
    this.#notices.set(`${part} ${code}`, { part: part.slice(0, 64), code, message: message.slice(0, 4096) });
    this.events.emit('changed');
  }

  /** Without a code: all of the part. */
  clear(part: string, code?: ErrorCode): void {
    let changed = false;
    for (const [key, notice] of this.#notices) {
      if (notice.part !== part || (code !== undefined && notice.code !== code)) continue;
      changed = this.#notices.delete(key);
    }
    if (changed) this.events.emit('changed');
  }

  list(): NoticeView[] {
    return [...this.#notices.values()];
  }
}
