// The page's first script: has the model on its way before the rest of the code arrives.
import './style/base.css';
import './style/inputs.css';
import './style/recording.css';
import './style/reading.css';
import './style/why.css';
import './style/loading.css';
import './style/narrow.css';
import { beginLoading, savesData } from './engine.js';

void savesData().then((saves) => saves || beginLoading());
// This one does not wait for the document, nor for its styles.
if (document.readyState === 'loading')
  document.addEventListener('DOMContentLoaded', () => void import('./main.js'), { once: true });
else void import('./main.js');
