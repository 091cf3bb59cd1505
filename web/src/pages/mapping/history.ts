/** Steps back and forth through what was done to a mapping. */
import { useRef, useState } from "react";
import type { MappingState } from "./rules";

const MOST = 100;

export function useHistory(value: MappingState, onChange: (next: MappingState) => void) {
  const past = useRef<MappingState[]>([]);
  const future = useRef<MappingState[]>([]);
  const [, redraw] = useState(0);
  return {
    change: (next: MappingState) => {
      past.current = [...past.current.slice(-MOST), value];
      future.current = [];
      onChange(next);
    },
    undo: () => {
      const before = past.current.pop();
      if (!before) return;
      future.current.push(value);
      redraw((count) => count + 1);
      onChange(before);
    },
    redo: () => {
      const after = future.current.pop();
      if (!after) return;
      past.current.push(value);
      redraw((count) => count + 1);
      onChange(after);
    },
    canUndo: past.current.length > 0,
    canRedo: future.current.length > 0,
  };
}

export type History = ReturnType<typeof useHistory>;
