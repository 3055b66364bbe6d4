/** A print system that keeps its queues in memory, for tests of what leads there. */
import type { NethoodError } from '../../protocol/errors.ts';
import type { NewQueue, PrinterInstaller } from '../../agent/printing/printer-installer.ts';

export class MemoryInstaller implements PrinterInstaller {
  readonly queues = new Map<string, NewQueue>();
  /** What the next calls fail with. */
  fault: NethoodError | undefined;

  names(): Promise<readonly string[]> {
    return Promise.resolve([...this.queues.keys()]);
  }

  add(queue: NewQueue): Promise<void> {
    return this.#change(() => this.queues.set(queue.name, queue));
  }

  leadsTo(name: string): Promise<string | undefined> {
    return Promise.resolve(this.queues.get(name)?.uri);
  }

  redirect(queue: NewQueue): Promise<void> {
    return this.add(queue);
  }

  remove(name: string): Promise<void> {
    return this.#change(() => this.queues.delete(name));
  }

  async commandToAdd({ name }: NewQueue, save: (request: Uint8Array) => Promise<string>): Promise<string> {
    return `add ${name} ${await save(Buffer.from('request'))}`;
  }

  commandToRemove(name: string): Promise<string> {
    return Promise.resolve(`remove ${name}`);
  }

  #change(work: () => unknown): Promise<void> {
    if (this.fault !== undefined) return Promise.reject(this.fault);
    work();
    return Promise.resolve();
  }
}
