/** What every printer behind the front can, because the front and the spool can it (RFC 8011 section 5.4, PWG 5100.7, 5100.13). */
import { anyFormat } from './document-format.ts';
import {
  boolean,
  charset,
  enumeration,
  integer,
  keyword,
  mimeMediaType,
  naturalLanguage,
  type AttributeTable,
} from './ipp-attributes.ts';
import { operations } from './ipp-tables.ts';
import { multipleOperationTimeOut } from './spool.ts';

export const compressions = ['none', 'gzip', 'deflate'] as const;

const supportedOperations = [
  'Print-Job',
  'Validate-Job',
  'Create-Job',
  'Send-Document',
  'Cancel-Job',
  'Get-Job-Attributes',
  'Get-Jobs',
  'Get-Printer-Attributes',
  'Hold-Job',
  'Release-Job',
  'Cancel-My-Jobs',
  'Close-Job',
  'Identify-Printer',
] as const;

export const whichJobs = [
  'completed',
  'not-completed',
  'all',
  'aborted',
  'canceled',
  'pending',
  'pending-held',
  'processing',
  'processing-stopped',
] as const;

/** What a desktop can do to show which PC is meant. */
export const identifyActions = ['display'] as const;

export const holdUntil = ['no-hold', 'indefinite'] as const;

export const fixedAttributes: AttributeTable = {
  'charset-configured': charset('utf-8'),
  'charset-supported': charset('utf-8', 'us-ascii'),
  'natural-language-configured': naturalLanguage('en'),
  'generated-natural-language-supported': naturalLanguage('en'),
  'ipp-versions-supported': keyword('1.1', '2.0'),
  'operations-supported': enumeration(...supportedOperations.map((operation) => operations[operation])),
  'compression-supported': keyword(...compressions),
  'document-format-default': mimeMediaType(anyFormat),
  'identify-actions-default': keyword('display'),
  'identify-actions-supported': keyword(...identifyActions),
  'job-hold-until-default': keyword('no-hold'),
  'job-hold-until-supported': keyword(...holdUntil),
  'job-ids-supported': boolean(true),
  'multiple-document-jobs-supported': boolean(false),
  'multiple-operation-time-out': integer(multipleOperationTimeOut),
  'multiple-operation-time-out-action': keyword('abort-job'),
  'pdl-override-supported': keyword('attempted'),
  'preferred-attributes-supported': boolean(false),
  'printer-get-attributes-supported': keyword('document-format'),
  'which-jobs-supported': keyword(...whichJobs),
};

/** Of the operation group, at Print-Job, Create-Job and Validate-Job. */
export const creationOperands = [
  'compression',
  'document-format',
  'document-name',
  'ipp-attribute-fidelity',
  'job-name',
  'requesting-user-name',
] as const;
