// Compiled, not run: what must not compile is marked, and the compiler complains when it does.
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
// @ts-expect-error - nor is there anything for Caddy
caddyFileServer(rootless);
// @ts-expect-error - the servers share no default
xSendfile(mixed);
// @ts-expect-error - a server that does not know the header
xSendfile(mixed, { server: 'nginx' });
// @ts-expect-error - a misspelt option
xAccelRedirect(mixed, { limitrate: 5 });
// @ts-expect-error - true is no rate
xAccelRedirect(mixed, { limitRate: true });
// @ts-expect-error - a status that changes the method
redirect({ status: 303 });
// @ts-expect-error - a unit that there is not
redirect({ expiresIn: '5 minutes' });
// @ts-expect-error - a storage is meant by itself, not by its name
deliveryRules([{ storage: 'photos', delivery: 'none' }]);
// @ts-expect-error - a rule must say who sends the bytes
deliveryRules([{ storage: disk }]);
// @ts-expect-error - "off" is called "none"
deliverWith('off');

export const delivery: Delivery = deliveryRules([{ directory: '/srv', delivery: redirect() }]);
