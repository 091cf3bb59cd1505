import { Checkbox } from "react-aria-components/Checkbox";
import { CheckboxGroup } from "react-aria-components/CheckboxGroup";
import { Label } from "react-aria-components/Label";
import type { Source } from "../../api/queries";
import { texts } from "../../texts";
import { Icon } from "../../ui/Icon";

interface CategoriesProps {
  sources: Source[];
  chosen: string[];
  onChange: (chosen: string[]) => void;
  pending: boolean;
}

/** Which categories are shown; none chosen means all of them. Counts follow the search. */
export function Categories({ sources, chosen, onChange, pending }: CategoriesProps) {
  const counts = new Map<string, number>();
  for (const source of sources) counts.set(source.category, (counts.get(source.category) ?? 0) + 1);
  const known = Object.entries(texts.catalog.categoryNames).filter(
    ([id]) => counts.has(id) || chosen.includes(id),
  );
  return (
    <CheckboxGroup className="categories" value={chosen} onChange={onChange}>
      <Label className="side-title">{texts.catalog.categories}</Label>
      <div className="category-list" data-pending={pending || undefined}>
        {known.map(([id, name]) => (
          <Checkbox key={id} value={id} className="category">
            <span className="box">
              <Icon name="check" />
            </span>
            <span>{name}</span>
            <span className="category-count">{counts.get(id) ?? 0}</span>
          </Checkbox>
        ))}
      </div>
    </CheckboxGroup>
  );
}
