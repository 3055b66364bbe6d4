import { NethoodError } from '../protocol/errors.ts';

export function usageError(name: string, fault: string): NethoodError {
  return new NethoodError('usage', `\`nethood ${name}\` ${fault}; see \`nethood help ${name}\`.`);
}
