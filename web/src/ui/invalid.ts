/** After a refused submit the focus goes to the first field that is wrong, once it is marked so. */
export const focusInvalid = (form: Element) =>
  setTimeout(() => form.querySelector<HTMLElement>("[aria-invalid=true], [data-invalid] > button")?.focus());
