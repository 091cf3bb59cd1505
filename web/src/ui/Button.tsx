import type { ReactNode } from "react";
import { Button as AriaButton, type ButtonProps as AriaButtonProps } from "react-aria-components/Button";
import { Tooltip, TooltipTrigger } from "react-aria-components/Tooltip";
import { Link as RouterLink } from "wouter";
import { Icon, type IconName } from "./Icon";

interface ButtonProps extends Omit<AriaButtonProps, "children" | "className"> {
  children?: ReactNode;
  icon?: IconName;
  look?: "plain" | "primary" | "danger" | "quiet";
  size?: "normal" | "small";
}

export function Button({ children, icon, look = "plain", size = "normal", ...props }: ButtonProps) {
  return (
    <AriaButton {...props} className={`button ${look} ${size}`}>
      {icon ? <Icon name={icon} /> : null}
      {children}
    </AriaButton>
  );
}

/** A button that shows an icon alone; its name is its tooltip, too. */
export function IconButton({
  label,
  icon,
  ...props
}: Omit<ButtonProps, "children"> & { label: string; icon: IconName }) {
  const { look = "quiet", size = "normal", ...others } = props;
  return (
    <TooltipTrigger delay={400}>
      <AriaButton {...others} aria-label={label} className={`button icon-only ${look} ${size}`}>
        <Icon name={icon} />
      </AriaButton>
      <Tooltip className="tooltip" offset={6}>
        {label}
      </Tooltip>
    </TooltipTrigger>
  );
}

interface LinkProps {
  to: string;
  children: ReactNode;
  className?: string;
  current?: boolean;
  label?: string;
  title?: string;
}

/** A link to a page of ours. */
export function Link({ to, children, className = "link", current, label, title }: LinkProps) {
  return (
    <RouterLink
      href={to}
      className={className}
      aria-current={current ? "page" : undefined}
      aria-label={label}
      title={title}
    >
      {children}
    </RouterLink>
  );
}
