/** WebDAV, whose code is loaded when the first request comes: most PCs never see one. */
import type { DavDoor, DavHandler } from './webdav-door.ts';

export function createDavHandler(door: DavDoor): DavHandler {
  let handler: Promise<DavHandler> | undefined;
  return async (exchange) => {
    handler ??= import('./webdav.ts').then((webdav) => webdav.createDavHandler(door));
    await (
      await handler
    )(exchange);
  };
}
