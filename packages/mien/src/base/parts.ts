// What mien-lab uses of this floor, as `mien/parts/base`: internals, which may change in any version.
export { checkData } from './check-data.js';
export { bundledModel, inPackage, packageVersion } from './package.js';
export { type Progress, silentProgress } from './progress.js';
export { defineSettings, type Settings, type SettingsSources } from './settings.js';
