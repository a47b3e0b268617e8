// Looking up rows of a table whose number is known only at run time.
import { apply, formatShape, staticShape, type Dim, type Value } from '../builder.js';
import { operator } from '../operator.js';
import { int64 } from '../../base/tensor.js';
import { pad } from './movement.js';

const FirstRows = operator<{ count: Dim }>({
  name: 'FirstRows',
  infer: ([table], { count }) => {
    const rows = table!.shape[0]!;
    if (typeof count === 'number' && typeof rows === 'number' && count > rows)
      throw new Error(`${formatShape(table!.shape)} does not have ${count} rows`);
    return [{ dtype: table!.dtype, shape: table!.shape.with(0, count) }];
  },
  lower: ([table], { count }) => ({
    type: 'Slice',
    inputs: [table, int64([1], [0]), { dims: [count] }, int64([1], [0])],
  }),
  gradient: (dy, { inputs: [table], attributes: { count } }) => {
    const [rows, taken] = staticShape([table!.shape[0]!, count]) as [number, number];
    return [pad(dy, 0, 0, rows - taken)];
  },
});
/** The first `count` rows of a table; `count` may be the name of a size, such as `tokens`. */
export const firstRows = (table: Value, count: Dim): Value =>
  table.shape[0] === count ? table : apply(FirstRows, [table], { count })[0]!;
