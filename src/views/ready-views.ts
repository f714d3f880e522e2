import type { EntityRef, ObjectFinder } from '../file/entity.js';
import type { DownloadHandler } from '../response/download.js';
import { httpView, type HttpViewOptions } from './http-view.js';
import { objectView, type ObjectViewOptions } from './object-view.js';
import { pathView, type PathViewOptions } from './path-view.js';
import { storageView, type StorageOf, type StorageViewOptions } from './storage-view.js';
import { virtualView, type MakeVirtualFile, type VirtualViewOptions } from './virtual-view.js';

/**
 * The views of `filefield` as handlers of one framework. Each takes the options of its view and those of the adapter.
 *
 * @typeParam Raw the framework's request
 * @typeParam Handler the framework's route handler
 * @typeParam Run the options of the adapter
 */
export interface ReadyViews<Raw, Handler, Run> {
  /** `objectView` as a handler. */
  objectDownloadView<Entity extends object>(
    files: ObjectFinder,
    entity: EntityRef<Entity>,
    options: ObjectViewOptions<Entity, Raw> & Run,
  ): Handler;
  /** `storageView` as a handler. */
  storageDownloadView(storage: StorageOf<Raw>, options: StorageViewOptions<Raw> & Run): Handler;
  /** `pathView` as a handler. */
  pathDownloadView(options: PathViewOptions<Raw> & Run): Handler;
  /** `httpView` as a handler. */
  httpDownloadView(options: HttpViewOptions<Raw> & Run): Handler;
  /** `virtualView` as a handler. */
  virtualDownloadView(make: MakeVirtualFile<Raw>, options?: VirtualViewOptions<Raw> & Run): Handler;
}

/**
 * Makes the ready-made views of an adapter.
 *
 * @param mount makes a handler from a view, such as `toExpress`
 */
export function readyViews<Raw, Handler, Run extends object>(
  mount: (view: DownloadHandler<Raw>, options: Run) => Handler,
): ReadyViews<Raw, Handler, Run> {
  // The view applies its delivery; the adapter must not apply it a second time.
  const ready = (view: DownloadHandler<Raw>, options: Run) => mount(view, { ...options, delivery: undefined });
  return {
    objectDownloadView: (files, entity, options) => ready(objectView(files, entity, options), options),
    storageDownloadView: (storage, options) => ready(storageView(storage, options), options),
    pathDownloadView: (options) => ready(pathView(options), options),
    httpDownloadView: (options) => ready(httpView(options), options),
    virtualDownloadView: (make, options = {} as VirtualViewOptions<Raw> & Run) =>
      ready(virtualView(make, options), options),
  };
}
