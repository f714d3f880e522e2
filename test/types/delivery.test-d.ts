// Compiled, not run: each marked line must not compile, and the compiler reports a mark without an error.
import {
  caddyFileServer,
  deliveryRules,
  redirect,
  StorageRegistry,
  xAccelRedirect,
  xSendfile,
  type Delivery,
  type StorageRegistry as Registry,
} from 'filefield';
import { deliverWith, pathDownloadView } from 'filefield/express';
import { DiskStorage } from 'filefield/storages/disk';
import { MemoryStorage } from 'filefield/storages/memory';

declare const untyped: Registry;
const disk = new DiskStorage({ root: 'var' });
const memory = new MemoryStorage();
const mixed = new StorageRegistry({ disk, memory });
const rootless = new StorageRegistry({ memory });

for (const places of [{ '/srv': '/_srv' }, mixed, untyped] as const) deliverWith(xAccelRedirect(places));
xAccelRedirect(mixed, {
  buffering: false,
  limitRate: () => 1000,
  charset: false,
  expires: '1h',
  minSize: 100,
  explain: true,
});
xSendfile(mixed, { server: 'lighttpd' });
caddyFileServer(mixed, { paths: 'raw' });
pathDownloadView({ root: 'public', path: 'a', delivery: 'none' });
deliverWith('none');

// @ts-expect-error - a registry without a single folder
xAccelRedirect(rootless);
// @ts-expect-error - a registry without a single folder
caddyFileServer(rootless);
// @ts-expect-error - the server is required
xSendfile(mixed);
// @ts-expect-error - nginx does not support X-Sendfile
xSendfile(mixed, { server: 'nginx' });
// @ts-expect-error - a misspelt option
xAccelRedirect(mixed, { limitrate: 5 });
// @ts-expect-error - true is not a rate
xAccelRedirect(mixed, { limitRate: true });
// @ts-expect-error - a status that changes the method
redirect({ status: 303 });
// @ts-expect-error - not a unit of a duration
redirect({ expiresIn: '5 minutes' });
// @ts-expect-error - the storage itself is required, not its name
deliveryRules([{ storage: 'photos', delivery: 'none' }]);
// @ts-expect-error - a rule needs a delivery
deliveryRules([{ storage: disk }]);
// @ts-expect-error - only "none" turns delivery off
deliverWith('off');

export const delivery: Delivery = deliveryRules([{ directory: '/srv', delivery: redirect() }]);
