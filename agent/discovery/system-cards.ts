/** Every card of this system, for the diagnosis: also those without an address, which Node leaves out. */
import { readdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { SystemCards } from './cards.ts';

export function allSystemCards(): SystemCards {
  return { ...Object.fromEntries(linuxNames().map((name) => [name, []])), ...networkInterfaces() };
}

function linuxNames(): string[] {
  try {
    return (
      readdirSync('/sys/class/net', { withFileTypes: true })
        // Some drivers put plain files beside the cards.
        .filter((entry) => entry.isSymbolicLink() || entry.isDirectory())
        .map(({ name }) => name)
    );
  } catch {
    // Not Linux: those with an address are known all the same.
    return [];
  }
}
