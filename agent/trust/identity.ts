import type { DeviceId } from '../../protocol/ids.ts';

/** This installation's key, and the certificate around it. */
export interface Identity {
  readonly id: DeviceId;
  /** PKCS #8, ECDSA P-256. */
  readonly keyPem: string;
  readonly certificatePem: string;
  /** `nh-<8>.local`, as announced and as in the certificate. */
  readonly hostName: string;
}
